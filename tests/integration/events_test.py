"""The promises about events, with real processes: confirmed is kept, handled once, in order of key."""

import resource
import signal
import sqlite3
import time
import unittest

import msgpack

from event_systems import (
    WITNESS, EventSystemTest, await_quiet, await_true, letters, publish, topics)
from harness import PATIENCE, new_id


class EventsTest(EventSystemTest):

    def test_a_confirmed_event_is_handled_once_by_each_group_that_subscribes(self):
        system = self.start({"witness": WITNESS,
                             "other": "{actor: witness, subscribes: [sight.seen]}",
                             "deaf": "{actor: witness}"})
        ids = [publish(self.client, n, "a") for n in range(50)]
        self.assertEqual([{"position": n + 1, "repeat": False} for n in range(50)],
                         self.confirm(ids))
        self.confirm([publish(self.client, 0, "b", "sight.other")])
        await_quiet(self.client, "witness", "other")
        self.assert_seen_once_in_order(system, {"a": 50, "b": 1})
        self.assert_seen_once_in_order(system, {"a": 50}, "other")
        self.assertEqual([], self.sights(system, "deaf"))

    def test_a_repeat_keeps_its_first_position_also_after_the_broker_was_killed(self):
        system = self.start()
        event = new_id()
        first = self.client.call("troupe.publish", "sight.seen", {"n": 0}, key="a", call_id=event)
        self.broker.kill()
        system.broker()
        again = self.client.call("troupe.publish", "sight.seen", {"n": 0}, key="a", call_id=event)
        self.assertEqual({"position": 1, "repeat": False}, first.body)
        self.assertEqual({"position": 1, "repeat": True}, again.body)
        other = self.client.call("troupe.publish", "sight.seen", {"n": 9}, key="a", call_id=event)
        self.assert_code("conflict", other)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {"a": 1})

    def test_events_of_a_turn_leave_through_the_outbox_in_order(self):
        system = self.start({"witness": WITNESS, "source": "{actor: witness, replicas: 2}"},
                            nodes=("n1", "n2"))
        for turn in range(20):
            self.client.call("source", "publish", {
                "topic": "sight.seen", "key": "k", "keys": 5, "first": turn * 10, "count": 50})
        await_true(self.client, "all are journaled",
                   lambda: topics(self.client)["last"] == 1000)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {f"k{n}": 200 for n in range(5)})
        await_true(self.client, "what is confirmed has left the outbox", lambda: system.rows(
            "source", "SELECT COUNT(*) FROM outbox") == [(1,)])

    def test_workers_killed_while_events_flow_handle_each_once_in_order(self):
        system = self.start({"witness": WITNESS, "source": "{actor: witness, replicas: 2}"},
                            nodes=("n1", "n2"), keep=True)
        total, keys = 0, 20
        for round_ in range(8):
            reply = self.client.call("source", "publish", {
                "topic": "sight.seen", "key": "k", "keys": keys, "first": round_ * 50,
                "count": keys * 50}, ttl=10_000)
            self.assertTrue(reply.ok, reply)
            total += keys * 50
            await_true(self.client, "it goes on", lambda: len(self.sights(system)) > total - 900)
            self.keepers[round_ % 2].process.child.kill()
        await_true(self.client, "all are journaled",
                   lambda: topics(self.client)["last"] == total)
        await_quiet(self.client, "witness")
        self.assertEqual([], letters(self.client), "an event was blamed for deaths that were not its")
        self.assert_seen_once_in_order(system, {f"k{n}": 400 for n in range(keys)})

    def test_a_worker_that_was_stopped_does_not_handle_what_others_got_meanwhile(self):
        system = self.start(nodes=("n1", "n2"))
        ids = []
        for n in range(300):
            ids += [publish(self.client, n, f"k{key}") for key in range(10)]
            if n == 100:
                self.workers[0].freeze()
            if n == 200:
                # Everything is reassigned by now, and it finds all that was sent to it before.
                self.confirm(ids)
                await_quiet(self.client, "witness")
                self.workers[0].thaw()
        self.confirm(ids)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {f"k{key}": 300 for key in range(10)})

    def test_a_poison_event_among_ten_becomes_the_only_dead_letter(self):
        system = self.start(nodes=("n1", "n2"))
        ids = [publish(self.client, n, f"k{n}", act="throw" if n == 4 else "see")
               for n in range(10)]
        self.confirm(ids)
        found = await_true(self.client, "a dead letter", lambda: letters(self.client))
        self.assertEqual([("k4", "crashed", 5, "witness")],
                         [(each["key"], each["cause"], each["attempts"], each["capability"])
                          for each in found])
        self.assertIn("asked to throw at sight 4", found[0]["error"])
        await_quiet(self.client, "witness")
        self.assertEqual({f"k{n}" for n in range(10) if n != 4},
                         {key for key, _ in self.sights(system)})

    def test_a_poison_event_leaves_its_group_to_the_others(self):
        # More tries than restarts are allowed, of one event: it is one cause.
        system = self.start({"witness":
                             "{actor: witness, replicas: 1, subscribes: [sight.*], "
                             "retry: {attempts: 9, backoff: 20ms..100ms}, "
                             "breaker: {threshold: 5}, supervision: "
                             "{max_restarts: 2, within: 10s, backoff: 50ms..5s}}"})
        self.confirm([publish(self.client, 0, "poison", act="throw")])
        for n in range(40):
            self.confirm([publish(self.client, n, "good")])
            await_true(self.client, "it is handled soon",
                       lambda n=n: ("good", n) in self.sights(system), within=1)
        found = await_true(self.client, "a dead letter", lambda: letters(self.client))
        self.assertEqual([("poison", "crashed", 9)],
                         [(each["key"], each["cause"], each["attempts"]) for each in found])
        for each in self.workers:
            self.assertEqual([], each.find("group.down"))

    def test_an_event_that_kills_its_process_is_convicted_and_its_neighbours_are_not(self):
        system = self.start(nodes=("n1", "n2"), keep=True)
        ids = [publish(self.client, n, f"k{n}", act="crash" if n == 4 else "see")
               for n in range(10)]
        self.confirm(ids)
        found = await_true(self.client, "a dead letter", lambda: letters(self.client))
        self.assertEqual([("k4", "crashed")], [(each["key"], each["cause"]) for each in found])
        ids = [publish(self.client, 1, "k4")]
        self.confirm(ids)
        await_quiet(self.client, "witness")
        self.assertEqual(sorted([(f"k{n}", n) for n in range(10) if n != 4] + [("k4", 1)]),
                         sorted(self.sights(system)))
        self.assertEqual(5, sum(code == -signal.SIGKILL for each in self.keepers
                                for code in each.codes))

    def test_a_refused_event_is_a_dead_letter_at_once_and_can_be_tried_again_or_dropped(self):
        system = self.start()
        self.confirm([publish(self.client, 0, "a", act="reject"),
                      publish(self.client, 1, "a"),
                      publish(self.client, 0, "b", act="reject")])
        found = await_true(self.client, "two dead letters",
                           lambda: len(each := letters(self.client)) == 2 and each)
        self.assertEqual({"rejected"}, {each["cause"] for each in found})
        self.assertEqual({1}, {each["attempts"] for each in found})
        self.assertEqual("n1", found[0]["node"])
        await_quiet(self.client, "witness")
        self.assertEqual([("a", 1)], self.sights(system))
        shown = self.client.call("troupe.events", "dead_letter", {"id": found[0]["id"]}).body
        self.assertEqual({"n": 0, "act": "reject"}, msgpack.unpackb(shown["body"]))
        retried = self.client.call("troupe.events", "retry_dead_letter", {"id": found[0]["id"]})
        self.assertEqual(1, retried.body["retried"])
        await_true(self.client, "it is dead again", lambda: found[0]["position"] not in [
            each["position"] for each in letters(self.client)] and len(letters(self.client)) == 2)
        for each in letters(self.client):
            dropped = self.client.call("troupe.events", "drop_dead_letter", {"id": each["id"]})
            self.assertEqual({"dropped": True}, dropped.body)
        self.assertEqual([], letters(self.client))

    def test_a_dead_letter_that_many_try_again_at_once_is_tried_again_once(self):
        self.start()
        self.confirm([publish(self.client, n, f"k{n}", act="reject") for n in range(3)])
        found = await_true(self.client, "three dead letters",
                           lambda: len(each := letters(self.client)) == 3 and each)
        which = found[1]
        of_one = [self.client.send("troupe.events", op, {"id": which["id"]})
                  for _ in range(10) for op in ("retry_dead_letter", "drop_dead_letter")]
        of_all = [self.client.send("troupe.events", "retry_dead_letter", {"all": True})
                  for _ in range(3)]
        replies = self.client.collect(of_one + of_all)
        self.assertEqual(23, len(replies))
        self.assertEqual([1], [
            replies[each].body["retried"] for each in of_one
            if replies[each].ok and replies[each].body != {"dropped": False}])
        retried = 1 + sum(replies[each].body["retried"] for each in of_all)
        await_true(self.client, "they are dead again", lambda: len(letters(self.client)) == 3)
        self.assertEqual({"k0", "k1", "k2"}, {each["key"] for each in letters(self.client)})
        last = topics(self.client)["last"]
        self.assertEqual(3 + retried, last)
        page = self.client.call("troupe.events", "read", {
            "patterns": ["sight.*"], "from": "oldest", "count": 100, "wait_ms": 0}).body
        self.assertEqual([1, 2, 3], [each["position"] for each in page["events"]],
                         "who follows the topic was told again")
        self.assertEqual(last, page["next"])

    def test_an_event_that_fails_for_a_while_holds_up_its_key_only(self):
        system = self.start()
        self.confirm([publish(self.client, 0, "a", act="fail", times=3),
                      publish(self.client, 1, "a"), publish(self.client, 2, "a"),
                      publish(self.client, 0, "b"), publish(self.client, 1, "b")])
        await_quiet(self.client, "witness")
        seen = self.sights(system)
        self.assert_seen_once_in_order(system, {"a": 3, "b": 2})
        self.assertLess(seen.index(("b", 1)), seen.index(("a", 0)))
        self.assertEqual([(4,)], system.rows(
            "witness", "SELECT attempt FROM sights WHERE key = 'a' AND n = 0"))
        self.assertEqual([], letters(self.client))

    def test_an_effect_that_an_event_asks_for_is_run(self):
        system = self.start()
        self.confirm([publish(self.client, n, "a", act="effect") for n in range(5)])
        await_quiet(self.client, "witness")
        await_true(self.client, "five effects", lambda: system.rows(
            "witness", "SELECT COUNT(DISTINCT effect_key), COUNT(*) FROM effects_seen") == [(5, 5)])

    def test_an_event_for_later_comes_then_also_when_its_process_is_dead(self):
        system = self.start({"witness": WITNESS, "source": "{actor: witness, replicas: 2}"},
                            nodes=("n1", "n2"), keep=True)
        began = time.monotonic()
        self.client.call("source", "publish", {
            "topic": "sight.seen", "key": "k", "keys": 1, "first": 0, "count": 3, "after": 800})
        self.client.call("troupe.events", "schedule", {
            "topic": "sight.seen", "key": "s", "body": msgpack.packb({"n": 0}), "after": 600})
        for each in self.keepers:
            each.process.child.kill()
        self.assertEqual(0, topics(self.client)["last"])
        await_true(self.client, "four events", lambda: topics(self.client)["last"] == 4)
        self.assertGreater(time.monotonic() - began, 0.75)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {"k0": 3, "s": 1})

    def test_events_that_are_due_at_once_come_soon_and_once_each(self):
        system = self.start()
        count = 3_000
        for first in range(0, count, 500):
            self.confirm([self.client.send("troupe.events", "schedule", {
                "topic": "sight.seen", "key": f"k{n}", "body": msgpack.packb({"n": 0}),
                "after": 0}, ttl=10_000)
                for n in range(first, first + 500)])
        await_true(self.client, "all are journaled",
                   lambda: topics(self.client)["last"] >= count)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {f"k{n}": 1 for n in range(count)})

    def test_an_id_is_scheduled_once_and_stands_for_one_event(self):
        self.start()
        event = new_id()

        def schedule(after: int, n: int = 0):
            return self.client.call("troupe.events", "schedule", {
                "topic": "sight.seen", "key": "k", "body": msgpack.packb({"n": n}),
                "after": after}, call_id=event)
        waiting = [schedule(60_000), schedule(60_000)]
        self.assert_code("conflict", schedule(60_000, n=1))
        event = new_id()
        self.assertTrue(schedule(0).ok)
        await_true(self.client, "it is due", lambda: topics(self.client)["last"] == 1)
        self.assertTrue(schedule(0).ok)
        self.assert_code("conflict", schedule(0, n=1))
        self.assert_code("invalid", schedule(2**63 - 1))
        await_quiet(self.client, "witness")
        self.assertTrue(all(each.ok for each in waiting))
        self.assertEqual(1, topics(self.client)["last"])

    def test_a_reader_gets_what_is_there_and_then_waits_for_more(self):
        self.start()
        self.confirm([publish(self.client, n, "a") for n in range(3)])
        page = self.client.call("troupe.events", "read", {
            "patterns": ["sight.*"], "from": "oldest", "count": 2, "wait_ms": 0}).body
        self.assertEqual([1, 2], [each["position"] for each in page["events"]])
        self.assertEqual({"n": 0}, msgpack.unpackb(page["events"][0]["body"]))
        waiting = self.client.send("troupe.events", "read", {
            "patterns": ["sight.late"], "after": page["next"], "count": 10, "wait_ms": 8_000},
            ttl=10_000)
        self.confirm([publish(self.client, 0, "a", "sight.late")])
        late = self.client.collect([waiting])[waiting].body
        self.assertEqual(["sight.late"], [each["topic"] for each in late["events"]])
        began = time.monotonic()
        nothing = self.client.call("troupe.events", "read", {
            "patterns": ["*"], "after": late["next"], "count": 10, "wait_ms": 200}).body
        self.assertEqual([], nothing["events"])
        self.assertLess(time.monotonic() - began, PATIENCE)

    def test_a_capability_that_subscribes_later_begins_where_it_says(self):
        system = self.start()
        self.confirm([publish(self.client, n, "a") for n in range(5)])
        await_quiet(self.client, "witness")
        self.broker.kill()
        self.workers[0].kill()
        system.capabilities |= {
            "late": "{actor: witness, subscribes: [sight.*], subscribe_from: new}",
            "early": "{actor: witness, subscribes: [sight.*], subscribe_from: oldest}"}
        system.write("topology.yaml")
        system.broker()
        system.worker()
        self.confirm([publish(self.client, 5, "a")])
        await_quiet(self.client, "witness", "late", "early")
        self.assert_seen_once_in_order(system, {"a": 6})
        self.assert_seen_once_in_order(system, {"a": 6}, "early")
        self.assertEqual([("a", 5)], self.sights(system, "late"))

    def test_a_database_restored_while_all_was_down_is_noticed_and_catches_up(self):
        system = self.start()
        self.confirm([publish(self.client, n, "a") for n in range(10)])
        await_quiet(self.client, "witness")
        database, backup = (sqlite3.connect(system.folder / each)
                            for each in ("data/witness.db", "backup.db"))
        database.backup(backup)
        database.close()
        backup.close()
        self.confirm([publish(self.client, n, "a") for n in range(10, 20)])
        await_quiet(self.client, "witness")
        def reached() -> int:
            ((kept,),) = system.rows("journal", "SELECT reached FROM cursors")
            return max(int.from_bytes(kept[at:at + 8], "big") for at in range(0, 512, 8))
        await_true(self.client, "the journal keeps how far the database was",
                   lambda: reached() == 20)
        self.workers[0].kill()
        self.broker.kill()
        for each in system.data.glob("witness.db*"):
            each.unlink()
        (system.folder / "backup.db").rename(system.data / "witness.db")
        broker = system.broker()
        system.worker()
        went_back = broker.wait_for("database_went_back", capability="witness")
        self.assertEqual(("20", "10"), (went_back["had_handled"], went_back["has_handled"]))
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {"a": 20})

    def test_one_topic_too_many_is_refused_and_an_outbox_with_one_waits(self):
        system = self.start({"witness": WITNESS, "source": "{actor: witness}"})
        limit = 10_000
        for first in range(0, limit, 1_000):  # All at once would be more than may wait for the disk.
            self.confirm([publish(self.client, 0, "a", f"flood.n{n}")
                          for n in range(first, first + 1_000)])
        refused = self.client.call("troupe.publish", "sight.seen", {"n": 0}, key="a")
        self.assert_code("rejected", refused)
        self.assertEqual("too_many_topics", refused.error["details"]["reason"])
        self.assertTrue(self.client.call("troupe.publish", "flood.n7", {}).ok)
        self.client.call("source", "publish", {
            "topic": "sight.seen", "key": "k", "keys": 1, "first": 0, "count": 3})
        said = self.workers[0].wait_for("outbox.refused", capability="source")
        self.assertIn("`sight.seen`", said["reason"])
        self.broker.kill()
        with sqlite3.connect(system.data / "journal.db") as journal:
            journal.execute("UPDATE events SET time = 0 WHERE topic <= 100")  # Beyond `keep`.
        journal.close()
        broker = system.broker()
        self.assertEqual("99", broker.wait_for("topics_forgotten")["topics"])  # n7 has the last event.
        await_true(self.client, "what waited in the outbox is handled",
                   lambda: self.sights(system) == [("k0", n) for n in range(3)])

    def test_a_full_disk_refuses_in_words_and_goes_on_when_there_is_room(self):
        system = self.start()
        self.confirm([publish(self.client, 0, "a")])
        await_quiet(self.client, "witness")
        wal = (system.data / "journal.db-wal").stat().st_size
        _, hard = resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (wal + 20_000, hard))
        ids = [publish(self.client, n, "full", note="x" * 50_000) for n in range(200)]
        replies = self.client.collect(ids)
        refused = [each for each in replies.values() if not each.ok]
        self.assertTrue(refused)
        for each in refused:
            self.assert_code("unavailable", each)
            self.assertIn("disk", each.error["message"])
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (hard, hard))
        def goes_on() -> bool:
            return self.client.call("troupe.publish", "sight.seen", {"n": 1}, key="a").ok
        await_true(self.client, "publishing goes on", goes_on)
        await_quiet(self.client, "witness")
        confirmed = sum(each.ok for each in replies.values())
        self.assertEqual(confirmed, sum(key == "full" for key, _ in self.sights(system)))

    def test_killing_the_broker_at_any_point_loses_nothing_confirmed(self):
        points = ["bus.before_write", "journal.before_commit", "journal.committed",
                  "bus.before_confirm", "bus.confirmed", "bus.handled_received"]
        for point in points:
            with self.subTest(point=point):
                system = self.start(faults=f"{point}=kill@3")
                waiting = {publish(self.client, n, "a"): n for n in range(5)}
                self.assertEqual(-signal.SIGKILL, self.drive_until_dead(waiting))
                system.broker()
                answers = self.resend(waiting)
                self.assertEqual(len(waiting), len(answers))
                await_quiet(self.client, "witness")
                seen = [n for _, n in self.sights(system)]
                self.assertEqual(sorted(waiting.values()), sorted(seen))
                with sqlite3.connect(system.data / "journal.db") as journal:
                    self.assertEqual(
                        [(len(waiting), len(waiting))],
                        journal.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM events"
                                        ).fetchall())

    def drive_until_dead(self, waiting: dict[bytes, int]) -> int:
        """Publishes one by one until the broker dies. Its exit code."""
        until = time.monotonic() + PATIENCE
        while self.broker.child.poll() is None and time.monotonic() < until:
            waiting[publish(self.client, len(waiting), "a")] = len(waiting)
            self.client.receive(0.02)
        return self.broker.await_end()

    def resend(self, waiting: dict[bytes, int]) -> dict:
        """Publishes what is not confirmed again, under its id, in order, until all is."""
        until = time.monotonic() + PATIENCE
        answers: dict = {}
        while len(answers) < len(waiting) and time.monotonic() < until:
            for event, n in waiting.items():
                if event not in answers:
                    reply = self.client.call(
                        "troupe.publish", "sight.seen", {"n": n}, key="a", call_id=event)
                    if reply.ok:
                        answers[event] = reply
        return answers

    def test_a_group_with_a_damaged_database_gets_its_events_when_that_is_restored(self):
        system = self.start({"witness": WITNESS, "other": WITNESS})
        self.confirm([publish(self.client, n, "a") for n in range(5)])
        await_quiet(self.client, "witness", "other")
        worker, = self.workers
        worker.signal(signal.SIGTERM)
        self.assertEqual(0, worker.await_end())
        file = system.checkpoint("witness")
        good = file.read_bytes()
        file.write_bytes(bytes(len(good)))

        worker = system.worker()
        worker.wait_for("group.down", capability="witness")
        self.confirm([publish(self.client, n, "a") for n in range(5, 10)])
        await_quiet(self.client, "other")
        lag = {each["capability"]: each["lag"] for each in topics(self.client)["groups"]}
        worker.signal(signal.SIGTERM)
        self.assertEqual(0, worker.await_end())
        file.write_bytes(good)
        system.worker()
        await_quiet(self.client, "witness")

        self.assertEqual({"witness": 5, "other": 0}, lag)
        self.assert_seen_once_in_order(system, {"a": 10})
        self.assert_seen_once_in_order(system, {"a": 10}, "other")

    def test_a_slow_group_does_not_hold_up_a_fast_one(self):
        system = self.start({"witness": WITNESS,
                             "stuck": "{actor: witness, nodes: [n2], subscribes: [sight.*]}"},
                            nodes=("n1", "n2"))
        self.workers[1].kill() # Nobody handles for `stuck` from now on.
        ids = [publish(self.client, n // 10, f"k{n % 10}") for n in range(5000)]
        self.confirm(ids)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {f"k{n}": 500 for n in range(10)})
        groups = {each["capability"]: each for each in topics(self.client)["groups"]}
        self.assertEqual(5000, groups["stuck"]["lag"])
        system.worker("n2")
        await_quiet(self.client, "stuck")
        self.assert_seen_once_in_order(system, {f"k{n}": 500 for n in range(10)}, "stuck")


if __name__ == "__main__":
    unittest.main(verbosity=2)
