"""What tests of events have in common: a system with a witness, and what is asked of it."""

import time

from harness import PATIENCE, Client, System, SystemTest
from systems import Keeper

WITNESS = ("{actor: witness, replicas: 2, subscribes: [sight.*], "
           "retry: {attempts: 5, backoff: 10ms..50ms}}")
PATIENT = ("defaults: {breaker: {threshold: 100000}, "
           "supervision: {max_restarts: 1000, within: 60s, backoff: 1ms..5ms}}")


def publish(client: Client, n: int, key: str, topic: str = "sight.seen", **more: object) -> bytes:
    return client.send("troupe.publish", topic, {"n": n, **more}, key=key, ttl=10_000)


def topics(client: Client) -> dict:
    return client.call("troupe.events", "topics").body


def letters(client: Client, **more: object) -> list[dict]:
    return client.call("troupe.events", "dead_letters", {"count": 100, **more}).body["letters"]


def await_true(client: Client, what: str, condition, within: float = 2 * PATIENCE):
    """Waits until `condition()` gives something true, looking again whenever a while has passed."""
    until = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {within} s: {what}\n{topics(client)}")
        client.receive(0.02)
    return found


def await_quiet(client: Client, *groups: str) -> None:
    """Waits until these groups have nothing left to handle."""
    def is_quiet() -> bool:
        found = {each["capability"]: each for each in topics(client)["groups"]}
        return all(found[each]["lag"] == 0 for each in groups)
    await_true(client, f"{groups} have handled all", is_quiet)


class EventSystemTest(SystemTest):

    def confirm(self, ids: list[bytes]) -> list[dict]:
        """Waits until these events are confirmed, each of them, and gives what was said of each."""
        replies = self.client.collect(ids)
        self.assertEqual(len(ids), len(replies), "not each was answered")
        for each in replies.values():
            self.assertTrue(each.ok, each)
        return [replies[each].body for each in ids]

    def sights(self, system: System, group: str = "witness") -> list[tuple[str, int]]:
        return system.rows(group, "SELECT key, n FROM sights ORDER BY place")

    def assert_seen_once_in_order(self, system: System, expected: dict[str, int],
                                  group: str = "witness") -> None:
        """Each key's events 0 .. n-1 were handled once each, in order: from the database."""
        seen: dict[str, list[int]] = {}
        for key, n in self.sights(system, group):
            seen.setdefault(key, []).append(n)
        self.assertEqual(set(expected), set(seen))
        for key, count in expected.items():
            self.assertEqual(list(range(count)), seen[key], f"{group}: key {key}")

    def start(self, capabilities: dict[str, str] | None = None, *, nodes: tuple = ("n1",),
              keep: bool = False, **more: object) -> System:
        system = self.system(capabilities or {"witness": WITNESS}, more=PATIENT, nodes=nodes)
        self.broker = system.broker(**more)
        if keep:
            self.keepers = [Keeper(system, each) for each in nodes]
            for each in self.keepers:
                each.start()
                self.addCleanup(each.finish)
        else:
            self.workers = [system.worker(each) for each in nodes]
        self.client = system.client()
        return system
