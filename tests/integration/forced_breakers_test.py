"""`troupe breaker`: what a person says of a breaker holds, is told to whoever is refused, and survives
worker and broker."""

import json
import subprocess
import time
import unittest

from harness import BIN, PATIENCE, Client, System, SystemTest

FAULTY = ("{breaker: {threshold: 3, timeout: 60s}, supervision: "
          "{max_restarts: 1000, backoff: 1ms..2ms}}")
CAPABILITIES = {"faulty": FAULTY, "echo": "{actor: echo, store: none}"}
OK, FAULTS, USAGE, ERROR = 0, 1, 2, 4


class ForcedBreakers(SystemTest):
    def start(self, nodes: tuple = ("n1",)) -> System:
        system = self.system(CAPABILITIES, nodes=nodes)
        self.broker = system.broker()
        self.workers = {each: system.worker(each) for each in nodes}
        return system

    def restart(self, system: System, node: str) -> None:
        self.workers[node].kill()
        self.workers[node] = system.worker(node)

    def run_breaker(self, system: System, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(BIN / "troupe"), "breaker", str(system.file), *words],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def breaker(self, system: System, *words: str, code: int = OK) -> dict:
        """What it says of each node, as JSON."""
        done = self.run_breaker(system, *words, "--json", "--deadline", "10s")
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertEqual("", done.stderr)
        return {each["node"]: each for each in json.loads(done.stdout)["nodes"]}

    def await_state(self, system: System, node: str, state: str, capability: str = "faulty") -> dict:
        until = time.monotonic() + PATIENCE
        while True:
            said = self.breaker(system, capability)[node]
            if said["state"] == state:
                return said
            self.assertLess(time.monotonic(), until, said)

    def assert_refused(self, client: Client, *, why: str, to: str = "faulty", op: str = "echo"):
        reply = client.call(to, op, {"text": "x", "payload": "x"})
        self.assert_code("circuit_open", reply)
        self.assertIn("forced open by ", reply.error["message"])
        self.assertIn(f": {why}", reply.error["message"])
        self.assertEqual("none", reply.error["effect"])
        self.assertGreater(reply.error["retry_after_ms"], 0)

    def test_forced_open_it_refuses_in_words_until_given_back_whoever_is_killed(self):
        system = self.start()
        client = system.client()
        self.assertTrue(client.call("faulty", "echo", {"text": "before"}).ok)

        forced = self.breaker(system, "faulty", "open", "--why", "moving disks")["n1"]

        self.assertEqual(("forced_open", True, "open", "moving disks"),
                         (forced["state"], forced["durable"], forced["order"]["mode"],
                          forced["order"]["why"]))
        who = forced["order"]["who"]
        self.assertIn("@", who)
        logged = self.workers["n1"].wait_for(
            "breaker.forced", capability="faulty", to="forced_open", why="moving disks")
        self.assertEqual(("n1", "closed", who, forced["order"]["request"]),
                         tuple(logged[each] for each in ("node", "from", "who", "request")))
        self.assert_refused(client, why="moving disks")

        self.restart(system, "n1")
        self.assert_refused(client, why="moving disks")
        self.assertEqual(forced, self.breaker(system, "faulty")["n1"])
        self.workers["n1"].wait_for("breaker.still_forced", who=who, why="moving disks")

        self.broker.kill()
        self.broker = system.broker()
        self.workers["n1"].wait_for("broker.joined", count=2)
        self.assert_refused(client, why="moving disks")
        shown = subprocess.run(
            [str(BIN / "troupe"), "status", str(system.file), "--json", "--deadline", "10s"],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
        group = next(each for each in json.loads(shown.stdout)["nodes"][0]["status"]["groups"]
                     if each["capability"] == "faulty")
        self.assertEqual(("forced_open", who, "moving disks", forced["order"]["since"]),
                         tuple(group[each] for each in
                               ("breaker", "forced_by", "forced_why", "forced_since")))

        given_back = self.breaker(system, "faulty", "auto", "--why", "moved")["n1"]
        self.assertEqual(("half_open", "auto"), (given_back["state"], given_back["order"]["mode"]))
        self.assertTrue(client.call("faulty", "echo", {"text": "after"}).ok)
        self.restart(system, "n1")
        self.assertTrue(client.call("faulty", "echo", {"text": "also after a restart"}).ok)

    def test_forced_closed_or_disabled_it_stays_so_although_handlers_fail(self):
        system = self.start()
        client = system.client()

        for mode, state in (("closed", "forced_closed"), ("disabled", "disabled")):
            with self.subTest(mode):
                self.breaker(system, "faulty", mode, "--why", "a drill")
                for _ in range(5):
                    self.assert_code("crashed", client.call("faulty", "throw", {"text": "x"}))
                self.assertTrue(client.call("faulty", "echo", {"text": "x"}).ok)
                self.assertEqual(state, self.breaker(system, "faulty")["n1"]["state"])

        self.breaker(system, "faulty", "auto", "--why", "over")
        for _ in range(3):
            self.assert_code("crashed", client.call("faulty", "throw", {"text": "x"}))
        self.workers["n1"].wait_for("breaker.open", capability="faulty")

    def test_of_two_nodes_one_that_is_away_finds_it_and_one_alone_can_be_meant(self):
        system = self.start(("n1", "n2"))
        client = system.client()
        self.workers["n2"].kill()

        partly = self.run_breaker(
            system, "faulty", "open", "--why", "moving disks", "--deadline", "1s")

        self.assertEqual(ERROR, partly.returncode, partly.stdout + partly.stderr)
        self.assertRegex(partly.stdout, r"n1 +forced_open +open +\S+@\S+ .*moving disks")
        self.assertRegex(partly.stdout, r"n2 +no answer")
        self.assertIn("n2: deadline_exceeded", partly.stderr)
        self.assertIn("next: it is stored in the database of `faulty`, where n2 will find it",
                      partly.stderr)
        self.workers["n2"] = system.worker("n2")
        both = self.breaker(system, "faulty")
        self.assertEqual(both["n1"]["order"], both["n2"]["order"])
        self.assertEqual("forced_open", both["n2"]["state"])
        self.assert_refused(client, why="moving disks")

        self.breaker(system, "faulty", "auto", "--node", "n2", "--why", "these are moved")
        for _ in range(5):  # All go where they may.
            self.assertTrue(client.call("faulty", "echo", {"text": "x"}).ok)
        self.assertEqual("forced_open", self.breaker(system, "faulty")["n1"]["state"])

        # Who shares the database takes what another was told.
        told = client.call("troupe.node.n2", "force_breaker", {
            "capability": "faulty", "mode": "disabled", "who": "ann", "why": "a drill",
            "only_here": False}, source="a script")
        self.assertTrue(told.ok, told)
        self.assertEqual("ann (a script)", self.await_state(
            system, "n1", "disabled")["order"]["who"])

    def test_without_a_database_it_holds_until_the_worker_restarts_and_says_so(self):
        system = self.start()
        client = system.client()

        done = self.run_breaker(system, "echo", "open", "--why", "too loud")
        self.assertEqual(OK, done.returncode, done.stderr)
        self.assertIn("`echo` has no database: this lasts until the worker restarts", done.stdout)
        self.assert_refused(client, why="too loud", to="echo")

        self.restart(system, "n1")
        self.assertTrue(client.call("echo", "echo", {"payload": "x"}).ok)
        self.assertNotIn("order", self.breaker(system, "echo")["n1"])

    def test_what_is_wrong_is_told_with_what_to_do(self):
        system = self.start()
        mistakes = {
            ("faulty", "ajar", "--why", "x"): (USAGE, "ajar"),
            ("faulty", "open"): (USAGE, "--why"),
            ("faulty", "--why", "x"): (USAGE, "--why goes with"),
            ("faulty", "open", "--why", "x" * 1001): (USAGE, "1000 are the limit"),
            ("faulty", "--deadline", "soon"): (USAGE, "`soon` is not a duration"),
            ("faulti",): (ERROR, "has no capability `faulti`"),
            ("faulty", "--node", "n9"): (ERROR, "runs on n1"),
        }
        for words, (code, part) in mistakes.items():
            with self.subTest(words):
                done = self.run_breaker(system, *words)
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                self.assertIn(part, done.stderr)
        self.assertEqual(FAULTS, subprocess.run(
            [str(BIN / "troupe"), "breaker", "missing.yaml", "faulty"],
            capture_output=True, timeout=PATIENCE, check=False).returncode)

        client = system.client()
        good = {"capability": "faulty", "mode": "open", "who": "ann", "why": "x",
                "only_here": False}
        for wrong, code in (({"mode": "ajar"}, "invalid"), ({"who": ""}, "invalid"),
                            ({"why": ""}, "invalid"), ({"why": "x" * 1001}, "invalid"),
                            ({"capability": "faulti"}, "unknown_capability")):
            with self.subTest(wrong):
                self.assert_code(code, client.call(
                    "troupe.node.n1", "force_breaker", {**good, **wrong}))
        self.assert_code("unknown_operation", client.call("troupe.node.n1", "burst", {}))
        self.assertEqual("closed", self.breaker(system, "faulty")["n1"]["state"])


if __name__ == "__main__":
    unittest.main()
