"""`troupe flag` against real processes: what is set is kept, recorded, and set by one at a time."""

import json
import subprocess
import unittest

from harness import BIN, PATIENCE, SystemTest

STRANGLER = """strangler:
  billing: {legacy: "http://127.0.0.1:1", by: "{header.x-user}"}
  users: {legacy: "http://127.0.0.1:1", by: "{header.x-user}", percent: 12.5}"""


class Flags(SystemTest):
    def start(self):
        self.shop = self.system(nodes=("n1",), more=STRANGLER)
        self.broker = self.shop.broker()

    def command(self, name, *words, file=None):
        return [str(BIN / "troupe"), "flag", name, str(file or self.shop.file), *words, "--json",
                "--deadline", f"{PATIENCE:.0f}s"]

    def flag(self, name, *words, code=0, **more):
        done = subprocess.run(self.command(name, *words, **more), capture_output=True, text=True,
                              timeout=4 * PATIENCE)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def set(self, name, value, why="because", **more):
        return self.flag("set", name, value, "--why", why, **more)

    def shares(self):
        return {each["flag"]: each["to"] for each in self.flag("list")}

    def test_a_flag_is_set_and_kept_with_who_and_why(self):
        self.start()
        self.assertEqual({"billing": "0%", "users": "12.5%"}, self.shares())
        self.assertEqual([], self.flag("history"))

        first = self.set("billing", "25%", "the first quarter")[0]
        self.set("users", "on")
        self.set("billing", "off", "it charges twice")

        self.assertIsNone(first["from"])
        self.assertEqual("25%", first["to"])
        self.assertIn("@", first["who"])
        self.assertEqual({"billing": "0%", "users": "100%"}, self.shares())
        told = [(each["flag"], each["from"], each["to"], each["why"]) for each in self.flag("history")]
        self.assertEqual([("billing", "25%", "0%", "it charges twice"),
                          ("users", None, "100%", "because"),
                          ("billing", None, "25%", "the first quarter")], told)
        self.assertEqual(2, len(self.flag("history", "billing")))
        self.assertEqual(1, len(self.flag("history", "billing", "--count", "1")))

        self.broker.kill()
        self.broker = self.shop.broker()
        self.assertEqual({"billing": "0%", "users": "100%"}, self.shares())
        self.assertEqual("0%", self.set("billing", "50%")[0]["from"])

    def test_what_cannot_be_meant_is_refused(self):
        self.start()
        for words in (("biling", "25%", "--why", "x"), ("billing", "25%", "--why", "")):
            self.assertNotEqual(0, subprocess.run(
                self.command("set", *words), capture_output=True).returncode, words)
        self.flag("set", "billing", "25", "--why", "x", code=2)
        self.flag("set", "billing", "101%", "--why", "x", code=2)
        self.flag("set", "billing", "25%", code=2)
        self.assertIn("billing", self.flag("set", "biling", "25%", "--why", "x", code=4)[0]["error"]["message"])
        self.assertEqual([], self.flag("history"))

        # Without a topology nothing is known about names.
        self.set("other", "1%", file=self.shop.endpoints["b1"])
        self.assertEqual("1%", self.shares()["other"])

    def test_of_many_operators_at_once_each_change_is_recorded_and_none_is_lost(self):
        self.start()
        running = [
            (name, subprocess.Popen(
                self.command("set", name, f"{share}%", "--why", f"operator {share}"),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
            for share in range(1, 7) for name in ("billing", "users")]
        done = [(name, each, each.communicate(timeout=4 * PATIENCE)[0]) for name, each in running]

        good = [json.loads(said) for _, each, said in done if each.returncode == 0]
        for _, each, said in done:
            if each.returncode != 0:
                # Others were first, again and again, in which case it may run out of tries.
                self.assertEqual(4, each.returncode, said)
                self.assertIn(json.loads(said)["error"]["code"], ("conflict", "overloaded"), said)
        history = self.flag("history")[::-1]
        self.assertEqual(sorted(each["position"] for each in good),
                         [each["position"] for each in history])
        value = {}
        for each in history:
            self.assertEqual(value.get(each["flag"]), each["from"])
            value[each["flag"]] = each["to"]
        self.assertEqual(value, {name: share for name, share in self.shares().items()})
        self.assertEqual({"billing", "users"}, set(value))

    def test_the_record_is_kept_whatever_the_limits_of_the_journal(self):
        self.shop = self.system(nodes=("n1",), more=STRANGLER + "\nevents: {size: 1MiB}")
        self.broker = self.shop.broker()
        self.set("billing", "25%")
        client = self.shop.client()
        for topic in ("troupe.flags", "order.created"):
            for _ in range(3):
                self.assertTrue(client.call("troupe.publish", topic, "x" * 700_000).ok)
        self.broker.wait_for("events_deleted")

        kept = {each["topic"]: each["events"]
                for each in client.call("troupe.events", "topics").body["topics"]}
        self.assertLess(kept["order.created"], 3)
        self.assertEqual(4, kept["troupe.flags"])
        self.assertEqual("25%", self.shares()["billing"])

    def test_whatever_else_is_published_there_is_passed_over(self):
        self.start()
        self.set("billing", "25%")
        client = self.shop.client()
        for body in ({}, {"flag": "billing", "to": 1}, [1], "billing"):
            self.assertTrue(client.call("troupe.publish", "troupe.flags", body).ok)

        self.assertEqual("25%", self.shares()["billing"])
        self.set("billing", "50%")
        self.assertEqual("50%", self.shares()["billing"])
        self.assertEqual(2, len(self.flag("history")))


if __name__ == "__main__":
    unittest.main()
