"""A gateway serves the documents that tell of its routes, and says when they are the same as before."""

import json
import unittest
import urllib.error
import urllib.request

import odd_gateway


def get(url: str, **fields: str) -> tuple[int, dict, bytes]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in fields.items()})
    try:
        with urllib.request.urlopen(request, timeout=odd_gateway.PATIENCE) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


class ServedDocuments(unittest.TestCase):
    def test_documents_are_served_and_validated(self):
        with odd_gateway.served("g1") as url:
            for name, version in (("openapi", "3.1.0"), ("asyncapi", "3.0.0")):
                status, fields, body = get(f"{url}/{name}.json")
                tag = fields["ETag"]
                known = [get(f"{url}/{name}.json", If_None_Match=each)
                         for each in (tag, f'"other", W/{tag}', "*")]
                other = get(f"{url}/{name}.json", If_None_Match='"other"')

                self.assertEqual((200, "application/json", "no-cache"),
                                 (status, fields["Content-Type"], fields["Cache-Control"]))
                self.assertEqual(version, json.loads(body)[name])
                self.assertEqual([(304, tag, b"")] * 3, [(each[0], each[1]["ETag"], each[2]) for each in known])
                self.assertEqual((200, body), (other[0], other[2]))
            post = urllib.request.Request(f"{url}/openapi.json", data=b"{}", method="POST")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(post, timeout=odd_gateway.PATIENCE)
            with refused.exception:
                self.assertEqual((405, "GET, HEAD"), (refused.exception.code, refused.exception.headers["Allow"]))

    def test_events_are_told_by_a_gateway_that_streams_them_and_no_others(self):
        with odd_gateway.served("g1") as url:
            document = json.loads(get(f"{url}/asyncapi.json")[2])
        with odd_gateway.served("g2") as url:
            self.assertEqual(404, get(f"{url}/asyncapi.json")[0])

        self.assertEqual({"order.created", "order.confirmed", "order.cancelled", "stock.low"},
                         set(document["channels"]))
        self.assertEqual({"send"}, {each["action"] for each in document["operations"].values()})
        self.assertNotIn("servers", document)
        self.assertNotIn("orders.create_order", document["components"]["schemas"])


if __name__ == "__main__":
    unittest.main()
