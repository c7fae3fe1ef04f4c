"""`troupe openapi` is OpenAPI 3.1 to swagger-parser, and says what the routes of the shop's gateway are."""

import json
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))

import judges  # noqa: E402
import odd_gateway  # noqa: E402

SHOP = pathlib.Path(os.environ["TROUPE_SOURCE"]) / "examples" / "shop" / "shop.yaml"
# `validate` resolves each reference besides.
JUDGE_DOCUMENT = """
const SwaggerParser = require('@apidevtools/swagger-parser');
const document = JSON.parse(require('fs').readFileSync(0, 'utf8'));
SwaggerParser.validate(document, {dereference: {circular: 'ignore'}}).then(
    whole => console.log(JSON.stringify({valid: true, whole})),
    why => console.log(JSON.stringify({valid: false, why: String(why)})));
"""


def openapi(file: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([os.environ["TROUPE_BIN"] + "/troupe", "openapi", str(file), *words],
                          capture_output=True, text=True, timeout=30, check=False)


class OpenApi(unittest.TestCase):
    maxDiff = None

    def printed(self, file: pathlib.Path, *words: str) -> dict:
        done = openapi(file, *words)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return json.loads(done.stdout)

    def judged(self, document: dict) -> dict:
        said = json.loads(judges.run_node(JUDGE, JUDGE_DOCUMENT, json.dumps(document)))
        self.assertTrue(said["valid"], said.get("why"))
        return said["whole"]

    def test_the_judge_finds_no_fault_with_the_shop(self):
        whole = self.judged(self.printed(SHOP))

        get = whole["paths"]["/api/users/{user_id}"]["get"]
        self.assertEqual({"name": "user_id", "in": "path", "required": True,
                          "schema": {"type": "string", "format": "uuid"}}, get["parameters"][0])
        answer = get["responses"]["200"]["content"]["application/json"]["schema"]
        self.assertIn("email", answer["properties"])
        self.assertEqual("unknown_user", get["responses"]["404"]["description"])
        order = whole["paths"]["/api/orders"]["post"]
        self.assertTrue(next(each for each in order["parameters"] if each["name"] == "Idempotency-Key")["required"])
        body = order["requestBody"]["content"]["application/json"]["schema"]
        self.assertEqual(["customer", "items", "currency", "card"], body["required"])
        self.assertEqual("string", body["properties"]["items"]["items"]["properties"]["sku"]["type"])
        for status, response in order["responses"].items():
            wanted = "application/json" if status.startswith("2") else "application/problem+json"
            self.assertIn(wanted, response["content"], status)

    def test_the_judge_finds_what_is_wrong(self):
        for broken in ({"responses": {"200": {"$ref": "#/components/responses/none"}}},
                       {"parameters": [{"name": "x"}]}):
            document = self.printed(SHOP)
            document["paths"]["/api/orders"]["post"].update(broken)

            self.assertFalse(json.loads(judges.run_node(JUDGE, JUDGE_DOCUMENT, json.dumps(document)))["valid"])

    def test_odd_routes_are_described_too(self):
        with odd_gateway.written() as file:
            whole = self.judged(self.printed(file, "g1"))

        paths = whole["paths"]
        self.assertEqual(["/users/{user_id}", "/stock/{sku}", "/events", "/created", "/orders", "/stock", "/calls/{id}"],
                         list(paths))
        self.assertEqual(["get", "patch"], list(paths["/users/{user_id}"]))
        patch = paths["/users/{user_id}"]["patch"]
        self.assertNotIn("user_id", patch["requestBody"]["content"]["application/json"]["schema"]["properties"])
        self.assertNotIn("content", patch["responses"]["204"])
        self.assertIn("429", paths["/orders"]["post"]["responses"])
        self.assertIn("202", paths["/orders"]["post"]["responses"])
        # One status for the answer, and for who would rather come again.
        either = paths["/stock"]["post"]["responses"]["202"]["content"]["application/json"]["schema"]["anyOf"]
        self.assertEqual(["call_id"], either[1]["required"])
        self.assertNotIn("call_id", either[0].get("required", []))
        self.assertEqual(["text/event-stream"], list(paths["/events"]["get"]["responses"]["200"]["content"]))
        self.assertIn("order_id", paths["/events"]["get"]["x-events"]["order.created"]["properties"])
        names = [each["operationId"] for path in paths.values() for each in path.values()]
        self.assertEqual(len(names), len(set(names)))

    def test_of_several_gateways_one_is_named(self):
        with odd_gateway.written() as file:
            for words in ((), ("g3",)):
                done = openapi(file, *words)
                self.assertEqual(4, done.returncode)
                self.assertIn("name one of g1, g2", done.stderr)

    def test_what_is_served_is_what_is_printed(self):
        with odd_gateway.served("g1") as url:
            with urllib.request.urlopen(url + "/openapi.json", timeout=odd_gateway.PATIENCE) as answer:
                served = json.loads(answer.read())
        with odd_gateway.written() as file:
            printed = self.printed(file, "g1")

        self.judged(served)
        self.assertEqual([{"url": "/"}], served.pop("servers"))
        self.assertTrue(printed.pop("servers")[0]["url"].startswith("http://127.0.0.1:"))
        for document in (served, printed):  # It is the file's, which has other ports.
            document["info"].pop("version")
        self.assertEqual(printed, served)


if __name__ == "__main__":
    JUDGE = judges.need("documents")
    unittest.main()
