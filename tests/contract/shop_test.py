"""The shop, with its gateway, keeps the contracts of examples/contracts; a change that breaks one is told."""

import json
import pathlib
import subprocess
import unittest

from running_shop import STATES, RunningShop
from stand_in import verify


class Shop(RunningShop):
    def verify(self, *files: pathlib.Path, deadline: str = "15s"):
        return verify(*files, "--url", self.url, "--topology", self.topology, "--states",
                      STATES, "--deadline", deadline)

    def changed(self, name: str, change) -> pathlib.Path:
        contract = json.loads((self.pacts / f"{name}-shop.json").read_text())
        change(contract["interactions"][0])
        path = self.folder / f"changed-{name}.json"
        path.write_text(json.dumps(contract))
        return path

    def test_the_shop_keeps_the_contracts_of_its_consumers(self):
        done = self.verify(*sorted(self.pacts.iterdir()))

        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertEqual([
            "invoices -> shop",
            "  ok      a confirmed order, given an order of 5 euros is confirmed",
            "  failed: 0 of 1",
            "office -> shop",
            "  ok      a call for a user, given user exists",
            "  failed: 0 of 1",
            "web -> shop",
            "  ok      a request for a user that is not there",
            "  ok      a request for a user, given user exists",
            "  failed: 0 of 2",
        ], done.stdout.splitlines())

    def test_a_consumer_that_relies_on_what_the_shop_does_not_say_is_told(self):
        def needs_tax(interaction: dict) -> None:  # The event has no such field.
            interaction["contents"]["content"]["tax_cents"] = 95

        def needs_name_parts(interaction: dict) -> None:  # A later reply would have them.
            interaction["response"][0]["contents"]["content"]["name"] = {"first": "Ada"}

        done = self.verify(self.changed("invoices", needs_tax), self.changed("office", needs_name_parts),
                           deadline="3s")

        self.assertEqual(1, done.returncode)
        self.assertIn("            $.tax_cents: is missing, wanted such as 95 (integer)\n", done.stdout)
        self.assertIn('            $.name: wanted {"first":"Ada"} (object), got "Ada" (text)\n', done.stdout)

    def test_a_message_that_the_shop_does_not_have_is_told(self):
        def elsewhere(interaction: dict) -> None:
            interaction["metadata"]["topic"] = "order.shipped"

        def unknown(interaction: dict) -> None:
            interaction["request"]["metadata"]["operation"] = "users.find"

        done = self.verify(self.changed("invoices", elsewhere), self.changed("office", unknown), deadline="3s")

        self.assertEqual(1, done.returncode)
        said = " ".join(done.stdout.split())
        self.assertIn("no event of `order.shipped` was published within 3000 ms", said)
        self.assertIn("no operation `users.find`", said)

    def test_the_hooks_give_the_same_messages_to_other_verifiers(self):
        files = [self.pacts / "invoices-shop.json", self.pacts / "office-shop.json"]
        url = self.hooks(*files)

        done = verify(*files, "--messages", url + "/_pact/messages", "--states", url + "/_pact/state",
                      "--deadline", "30s")

        self.assertEqual(0, done.returncode, done.stdout)

    def test_of_two_messages_with_one_description_the_hooks_give_the_one_in_its_state(self):
        contract = json.loads((self.pacts / "office-shop.json").read_text())
        ready = contract["interactions"][0]
        other = json.loads(json.dumps(ready))  # The same words, before anybody has registered.
        other["providerStates"] = [{"name": "nobody is there"}]
        other["request"]["metadata"]["operation"] = "users.nothing"
        contract["interactions"] = [other, ready]
        both = self.folder / "both.json"
        both.write_text(json.dumps(contract))
        url = self.hooks(both)

        def asked(path: str, question: dict) -> tuple[int, bytes]:
            done = subprocess.run(
                ["curl", "-sS", "-w", "%{http_code}", "--json", json.dumps(question), url + path],
                capture_output=True, timeout=60, check=True)
            return int(done.stdout[-3:]), done.stdout[:-3]

        states = [{"name": ready["providerStates"][0]["name"], "params": {}}]
        self.assertEqual(200, asked("/_pact/state", {"state": states[0]["name"], "action": "setup"})[0])
        status, body = asked("/_pact/messages", {"description": ready["description"], "providerStates": states})
        self.assertEqual(200, status, body)
        status, body = asked("/_pact/messages", {"description": ready["description"],
                                                 "providerStates": [{"name": "nobody is there"}]})
        self.assertEqual((400, True), (status, b"users.nothing" in body), body)
        # What is no text is no state, and ends nobody.
        self.assertEqual(200, asked("/_pact/state", {"state": None, "action": 5})[0])
        self.assertEqual(400, asked("/_pact/messages", {"description": 5, "providerStates": [5]})[0])


if __name__ == "__main__":
    unittest.main()
