"""100,000 events of 100 keys flow from outboxes while workers are killed and stopped in turn: afterwards
the database must show each of them once, in the order of its key."""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from event_systems import (  # noqa: E402
    WITNESS, EventSystemTest, await_quiet, await_true, letters, topics)
from harness import PATIENCE, System  # noqa: E402

KEYS = 100
EVENTS = 100_000
PER_CALL = 1_000


class EventFlowTest(EventSystemTest):

    frozen = None

    def test_each_of_100_000_events_is_handled_once_and_in_order_of_its_key(self):
        system = self.start({"witness": WITNESS, "source": "{actor: witness, replicas: 2}"},
                            nodes=("n1", "n2"), keep=True)
        harmed = 0
        for call in range(EVENTS // PER_CALL):
            self.ask_until_answered({"topic": "sight.seen", "key": "k", "keys": KEYS,
                                     "first": call * PER_CALL // KEYS, "count": PER_CALL})
            if call % 5 == 4:
                await_true(self.client, "what was published before the last death is handled",
                           lambda: self.count_sights(system) >= (call - 4) * PER_CALL,
                           within=6 * PATIENCE)
                self.harm(harmed)
                harmed += 1
        self.thaw_all()
        await_true(self.client, "all are journaled",
                   lambda: topics(self.client)["last"] == EVENTS, within=4 * PATIENCE)
        await_true(self.client, "all are handled, or given up",
                   lambda: self.count_sights(system) + len(letters(self.client)) >= EVENTS,
                   within=6 * PATIENCE)
        await_quiet(self.client, "witness")
        self.assert_each_once_in_order(system)

    def assert_each_once_in_order(self, system: System) -> None:
        """From the database. That workers were killed with them is no event's fault."""
        self.assertEqual([], letters(self.client))
        seen: dict[str, list[int]] = {}
        for key, n in self.sights(system):
            seen.setdefault(key, []).append(n)
        for key in (f"k{number}" for number in range(KEYS)):
            self.assertEqual(list(range(EVENTS // KEYS)), seen[key], f"key {key}")

    def count_sights(self, system: System) -> int:
        return system.rows("witness", "SELECT COUNT(*) FROM sights")[0][0]

    def ask_until_answered(self, body: dict) -> None:
        """One call, sent again under its id: its outbox rows come once."""
        call_id = self.client.send("source", "publish", body, ttl=10_000)
        until = time.monotonic() + 6 * PATIENCE
        while time.monotonic() < until:
            reply = self.client.receive(1.0)
            if reply is None or not reply.ok:
                self.client.send("source", "publish", body, ttl=10_000, call_id=call_id)
            elif reply.id == call_id:
                return
        self.fail("the source does not answer")

    def harm(self, number: int) -> None:
        """Kills a worker, or stops one for longer than its broker waits, in turn."""
        self.thaw_all()
        victim = self.keepers[number % 2].process
        if number % 4 < 2:
            victim.child.kill()
        else:
            victim.freeze()
            self.frozen = victim

    def thaw_all(self) -> None:
        frozen, self.frozen = self.frozen, None
        if frozen is not None and frozen.child.poll() is None:
            frozen.thaw()


if __name__ == "__main__":
    unittest.main(verbosity=2)
