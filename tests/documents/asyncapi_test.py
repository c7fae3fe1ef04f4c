"""`troupe asyncapi` is AsyncAPI 3.0 to @asyncapi/parser, and says what the shop's events are."""

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
PARSE = """
const {Parser} = require('@asyncapi/parser');
const text = require('fs').readFileSync(0, 'utf8');
new Parser().parse(text).then(({document, diagnostics}) => {
  const faults = diagnostics.filter(each => each.severity <= 1);  // Errors and warnings.
  const payload = topic => document && document.channels().all().filter(each => each.address() === topic)
      .flatMap(each => each.messages().all().map(message => message.payload().json()));
  console.log(JSON.stringify({faults, valid: !!document, confirmed: payload('order.confirmed')}));
});
"""


class AsyncApi(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        done = subprocess.run([os.environ["TROUPE_BIN"] + "/troupe", "asyncapi", str(SHOP)],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.text = done.stdout

    def judged(self, text: str) -> dict:
        return json.loads(judges.run_node(JUDGE, PARSE, text))

    def test_the_judge_finds_no_fault(self):
        said = self.judged(self.text)

        self.assertTrue(said["valid"], said["faults"])
        self.assertEqual([], said["faults"])
        order = next(each for each in said["confirmed"] if "payment_id" in each["properties"])
        self.assertEqual("uuid", order["properties"]["payment_id"]["format"])
        self.assertEqual("string", order["properties"]["items"]["items"]["properties"]["sku"]["type"])

    def test_the_judge_finds_no_fault_with_what_a_gateway_streams(self):
        with odd_gateway.served() as url:
            with urllib.request.urlopen(url + "/asyncapi.json", timeout=odd_gateway.PATIENCE) as answer:
                said = self.judged(answer.read().decode())

        self.assertTrue(said["valid"], said["faults"])
        self.assertEqual([], said["faults"])

    def test_the_judge_finds_what_is_wrong(self):
        broken = json.loads(self.text)
        broken["operations"]["orders.send.order.created"]["channel"]["$ref"] = "#/channels/nowhere"

        self.assertFalse(self.judged(json.dumps(broken))["valid"])

    def test_who_publishes_and_who_subscribes_is_told(self):
        document = json.loads(self.text)

        actions = {name: (each["action"], each["channel"]["$ref"])
                   for name, each in document["operations"].items()}
        self.assertEqual(("send", "#/channels/order.confirmed"), actions["orders.send.order.confirmed"])
        self.assertEqual(("receive", "#/channels/order.confirmed"),
                         actions["notifications.receive.order.confirmed"])
        self.assertEqual("note.{rest}", document["channels"]["note.ANY"]["address"])
        self.assertEqual(["order_id", "customer"],
                         document["components"]["schemas"]["orders.order_cancelled"]["required"])


if __name__ == "__main__":
    JUDGE = judges.need("documents")
    unittest.main()
