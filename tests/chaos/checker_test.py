"""Negative controls of the checker: it passes a good run, and every damage to it is caught by a message
that names the row. A checker that never fails proves nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterable

import checker
import damages
import ids
from damages_to_books import of_books, order_ids
from damages_to_files import of_files
from good_orders import now_ms
from good_run import GoodRun, Writer
from xxh3 import xxh64, xxh128

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", HERE.parent.parent))
DAY_MS = 86_400_000


class CheckerTest(unittest.TestCase):
    """Every test has a copy of one good run, whose first order was placed at `began`."""

    began = now_ms() - 60_000

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.good = pathlib.Path(folder.name) / "good"
        Writer(cls.good, SOURCE, cls.began).write()

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_ = GoodRun(pathlib.Path(folder.name) / "run")
        self.restore()

    def restore(self) -> None:
        shutil.rmtree(self.run_.folder, ignore_errors=True)
        shutil.copytree(self.good, self.run_.folder)

    def check(self, *options: str) -> checker.Report:
        return checker.run_checks(checker.parse([*self.run_.options(), *options]))

    def call(self, *options: str) -> tuple[int, str]:
        """As others call it: its status and what it said."""
        done = subprocess.run([sys.executable, str(HERE / "checker.py"), *options],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def assert_good(self, report: checker.Report) -> None:
        self.assertTrue(report.good, messages(report) + [str(report.liveness)])

    def assert_all_caught(self, some: Iterable[damages.Damage]) -> None:
        for damage in some:
            with self.subTest(damage.name):
                self.restore()
                self.assertGreater(damage.do(self.run_), 0, "nothing was damaged")
                report = self.check()
                self.assertFalse(report.safe, "it was not noticed")
                self.assertTrue(
                    any(all(word in message for word in damage.words) for message in messages(report)),
                    f"{damage.words} are not in {messages(report)}")


def messages(report: checker.Report) -> list[str]:
    return [f"{name} {each}" for name, result in report.results.items() for each in result.examples]


class AGoodRun(CheckerTest):
    def test_passes_with_counts(self) -> None:
        report = self.check()

        self.assert_good(report)
        wanted = {"attempted": 16, "calls": 18, "acknowledged": 14, "confirmed": 7, "unknown": 1,
                  "unanswered": 2, "recovered": 1, "lost": 0, "unexpected": 0, "duplicated": 0,
                  "provider_repeats": 3, "taken_over": 3, "sagas": 15, "events": 31, "dead": 0,
                  "failed_calls": {"overloaded": 2, "deadline_exceeded": 2},
                  "rejected": {"deadline_exceeded": 4, "out_of_stock": 1, "payment_declined": 1,
                               "unknown_sku": 1}}
        self.assertEqual(wanted, {name: report.counts[name] for name in wanted})
        self.assertTrue(all(result.checked and not result.without
                            for result in report.results.values()))

    def test_passes_while_it_runs(self) -> None:
        self.assert_good(self.check("--while-running"))

    def test_passes_with_less_to_go_by(self) -> None:
        self.assertEqual(0, self.call("--data", str(self.run_.data))[0])

    def test_may_have_been_asked_for_more_by_hand(self) -> None:
        with self.run_.database("inventory") as inventory:
            inventory.execute("INSERT INTO forced_breakers VALUES ('', 'open', 'ann', 'dust', x'01', 1)")
            inventory.execute("UPDATE stock SET initial = initial + 5, available = available + 5")
        self.run_.execute("notes", "INSERT INTO notes VALUES (x'01', 'tea is low')")

        self.assertEqual(0, self.call("--data", str(self.run_.data))[0])
        self.assertFalse(self.check().safe)

    def test_is_excused_for_what_somebody_knows_the_reason_of_and_for_no_more(self) -> None:
        excused = self.run_.folder / "excused"
        excused.write_text(r"inventory\.db forced_breakers .* is there.*" + "\n")
        self.run_.execute("inventory", "INSERT INTO forced_breakers VALUES ('', 'open', 'a', '', x'01', 1)")

        report = self.check("--excused", str(excused))

        self.assert_good(report)
        self.assertEqual(1, report.excused)
        self.run_.execute("inventory", "UPDATE stock SET available = available + 5")
        self.assertFalse(self.check("--excused", str(excused)).safe)

    def test_can_have_a_log_that_was_cut_off(self) -> None:
        with (self.run_.folder / "client.log").open("a") as log:
            log.write('{"call_id": "0190')

        self.assert_good(self.check())

    def test_can_have_the_draft_of_a_mail_whose_writer_died(self) -> None:
        file = next((self.run_.data / "mail").glob("*.eml"))
        file.with_name(f".{file.stem}.4711.4712").write_bytes(b"From: ")

        self.assert_good(self.check())

    def test_is_quiet_at_once_for_the_demo(self) -> None:
        status, said = self.call("--data", str(self.run_.data), "--wait-quiet", "30", "--quiet-only")

        self.assertEqual((0, "nothing is under way\n"), (status, said))

    def test_is_reported_as_json(self) -> None:
        status, said = self.call(*self.run_.options(), "--json")
        report = json.loads(said)

        self.assertEqual((0, "good", True), (status, report["verdict"], report["liveness"]["quiet"]))
        self.assertEqual({"what", "violations", "first_key", "first", "without", "checked", "examples"},
                         report["invariants"]["I1"].keys())


class Damages(CheckerTest):
    def test_to_each_column(self) -> None:
        self.assert_all_caught(damages.of_columns(self.run_))

    def test_to_rows(self) -> None:
        self.assert_all_caught(damages.of_rows(self.run_))

    def test_by_hand_to_books(self) -> None:
        self.assert_all_caught(of_books(self.began))

    def test_by_hand_to_files(self) -> None:
        self.assert_all_caught(of_files(*order_ids(self.began)))

    def test_are_seen_while_it_runs_where_one_database_tells(self) -> None:
        for name, statement in (
                ("inventory", "UPDATE stock SET available = available - 1 WHERE sku = 'tea'"),
                ("order_saga", "DELETE FROM saga_journal WHERE seq = 3"),
                ("journal", "UPDATE cursors SET handled = x'00'")):
            with self.subTest(statement):
                self.restore()
                self.run_.execute(name, statement)
                self.assertFalse(self.check("--while-running").safe)


class WhatTheProductDoes(CheckerTest):
    """Rows that retention takes, sagas that are parked: neither is an alarm."""

    began = now_ms() - 8 * DAY_MS

    def keep(self, *lines: str) -> None:
        path = self.run_.folder / "shop.yaml"
        more = "".join(f"  {line}\n" for line in lines)
        path.write_text(path.read_text().replace("defaults:\n", f"defaults:\n{more}"))

    def test_answers_older_than_they_are_kept_are_forgotten(self) -> None:
        for name in ("orders", "inventory", "payments", "order_saga"):
            self.run_.execute(name, "UPDATE retention SET trial = 0")
            self.run_.execute(name, "DELETE FROM inbox WHERE state <> 1 AND substr(id, 7, 1) < x'80'")
        report = self.check()

        self.assertGreater(report.counts["forgotten_calls"], 10)
        self.assert_good(report)

    def test_answers_to_commands_of_sagas_are_kept_for_as_long_as_sagas(self) -> None:
        for name in ("orders", "inventory", "payments"):
            self.run_.execute(name, "UPDATE retention SET trial = 0")
            self.run_.execute(name, "DELETE FROM inbox WHERE state <> 1")
        self.assertFalse(self.check().safe)

        self.keep("sagas_kept: 7d")
        report = self.check()
        self.assertGreater(report.counts["forgotten_calls"], 40)
        self.assert_good(report)

    def test_sagas_that_are_over_are_forgotten_after_their_time(self) -> None:
        # The client was told that they were placed; of the ninth it never heard.
        gone = "SELECT id FROM sagas WHERE phase = 2 AND id <> ?"
        ninth = order_ids(self.began)[0][9]
        self.run_.execute("order_saga", f"DELETE FROM saga_journal WHERE saga IN ({gone})", ninth)
        self.run_.execute("order_saga", f"DELETE FROM sagas WHERE id IN ({gone})", ninth)
        self.assertFalse(self.check().safe)

        self.keep("sagas_kept: 7d")
        report = self.check()
        self.assertGreater(report.counts["forgotten_sagas"], 5)
        self.assert_good(report)

    def test_answers_that_are_kept_for_longer_are_missed(self) -> None:
        self.keep("inbox_kept: 9d")
        self.run_.execute("orders", "DELETE FROM inbox")

        self.assertFalse(self.check().safe)

    def sweep(self, topic: str, last: int) -> None:
        """What a sweep leaves of a topic's events up to a position."""
        with self.run_.database("journal") as journal:
            events = journal.execute("SELECT MAX(position) FROM events").fetchone()[0]
            number = journal.execute("SELECT id FROM topics WHERE name = ?", (topic,)).fetchone()[0]
            journal.execute("UPDATE topics SET total = (SELECT COUNT(*) FROM events"
                            " WHERE topic = topics.id)")
            journal.execute("DELETE FROM events WHERE topic = ? AND position <= ?", (number, last))
            journal.execute("UPDATE journal SET counted = ?", (events,))
            journal.execute(
                "UPDATE topics SET (events, bytes, first, first_time, last, last_time) = (SELECT COUNT(*),"
                " COALESCE(SUM(LENGTH(body)), 0), COALESCE(MIN(position), 0), COALESCE(MIN(time), 0),"
                " COALESCE(MAX(position), 0), COALESCE(MAX(time), 0) FROM events WHERE topic = topics.id)")

    def test_events_older_than_they_are_kept_are_swept(self) -> None:
        for topic in ("order.created", "order.confirmed"):
            with self.subTest(topic):
                self.restore()
                self.sweep(topic, 20)
                report = self.check()

                self.assert_good(report)
                self.assertGreater(report.counts["swept"], 3)

    def test_an_event_that_is_gone_beside_a_sweep_is_missed(self) -> None:
        self.sweep("order.created", 20)
        self.run_.execute("journal", "DELETE FROM events WHERE position = ("
                                     "SELECT MAX(position) FROM events WHERE topic = 3)")

        self.assertFalse(self.check().safe)

    def park(self, keep: int) -> None:
        """The first order's saga stands after so many rows of its journal."""
        key, _ = order_ids(self.began)
        self.run_.execute("order_saga", "DELETE FROM saga_journal WHERE saga = ? AND seq > ?",
                          key[1], keep)
        self.run_.execute("order_saga", "UPDATE sagas SET phase = 4 WHERE id = ?", key[1])
        self.run_.execute("order_saga", "UPDATE inbox SET state = 1, reply = x'' WHERE id = ?", key[1])
        log = self.run_.folder / "client.log"
        log.write_text("".join(
            line for line in log.read_text().splitlines(keepends=True)
            if ids.text(key[1]) not in line or "invoke" in line))

    def test_a_saga_is_parked_by_its_row_alone(self) -> None:
        self.park(8)
        report = self.check()

        self.assert_good(report)
        self.assertEqual(1, report.liveness.parked_sagas)

    def test_a_saga_is_parked_for_a_reason(self) -> None:
        self.park(8)
        key, _ = order_ids(self.began)
        self.run_.execute(
            "order_saga", "INSERT INTO saga_journal SELECT saga, 9, 9, 3, 0, 1, epoch, at, ?"
            " FROM saga_journal WHERE saga = ? AND seq = 8",
            b"\x83\xa4code\xa8rejected\xa7message\xa2no\xa6effect\xa4none", key[1])

        self.assert_good(self.check())

    def test_a_worker_dies_with_a_confirmation_until_that_is_given_up(self) -> None:
        key, _ = order_ids(self.began)
        event = ids.event(ids.command(key[1], 3), "order.confirmed")
        mail = self.run_.data / "mail" / f"{ids.text(ids.mail_key(event))}.eml"
        mail.unlink()
        self.run_.execute("notifications", "DELETE FROM mails WHERE order_id = ?", key[1])
        with self.run_.database("journal") as journal:
            position, at, name, body = journal.execute(
                "SELECT position, time, key, body FROM events WHERE id = ?", (event,)).fetchone()
            journal.execute(
                "INSERT INTO dead_letters VALUES (?, 'notifications', ?, 'order.confirmed', ?, ?, NULL, ?,"
                " 'orders', NULL, NULL, ?, 'crashed', 'five workers', 5, ?, ?, 'n1', 0)",
                (ids.dead_letter(event, "notifications", position), position, event, at, name, body,
                 at, at))
        report = self.check()

        self.assert_good(report)
        self.assertEqual(1, report.counts["dead"])


class UnderWay(CheckerTest):
    """Not wrong, but not over."""

    def assert_not_quiet(self, what: str) -> None:
        status, said = self.call("--data", str(self.run_.data), "--quiet-only")
        self.assertEqual((1, True), (status, what in said), said)
        self.assertFalse(self.check().good)

    def test_an_effect(self) -> None:
        self.run_.execute("payments", "INSERT INTO effects VALUES (x'01', x'02', 'charge', x'80', 1, NULL)")
        self.assert_not_quiet("1 effects of payments")

    def test_a_call(self) -> None:
        self.run_.execute("payments", "UPDATE inbox SET state = 1 WHERE id = (SELECT MIN(id) FROM inbox)")
        self.assert_not_quiet("1 pending in payments")

    def test_a_saga(self) -> None:
        self.run_.execute("order_saga", "UPDATE sagas SET phase = 1 WHERE id = (SELECT MIN(id) FROM sagas)")
        self.assert_not_quiet("1 sagas unfinished")

    def test_an_event_in_an_outbox(self) -> None:
        self.run_.execute("orders", "INSERT INTO outbox SELECT seq + 1, id, topic, key, body, trace FROM outbox")
        self.assert_not_quiet("1 in the outbox of orders")

    def test_a_mail(self) -> None:
        self.run_.execute("notifications", "UPDATE mails SET state = 'asked' WHERE order_id = ("
                                           "SELECT MIN(order_id) FROM mails)")
        self.assert_not_quiet("1 mails unsent")

    def test_a_confirmation(self) -> None:
        self.run_.execute("notifications", "DELETE FROM mails WHERE order_id = ("
                                           "SELECT MIN(order_id) FROM mails)")
        self.assert_not_quiet("1 confirmations unhandled")


class WhatCannotBeChecked(CheckerTest):
    def assert_cannot(self, *options: str) -> None:
        status, said = self.call(*options)
        self.assertEqual(2, status, said)
        self.assertIn("could not check", said)

    def test_no_databases(self) -> None:
        self.assert_cannot("--data", str(self.run_.folder / "mail"))

    def test_a_database_that_is_none(self) -> None:
        (self.run_.data / "orders.db").write_bytes(b"nothing of the kind" * 1000)
        self.assert_cannot(*self.run_.options())

    def test_a_client_log_that_is_none(self) -> None:
        (self.run_.folder / "client.log").write_text("hello\n")
        self.assert_cannot(*self.run_.options())

    def test_a_provider_log_that_is_not_there(self) -> None:
        self.assert_cannot(*self.run_.options(), "--provider-log", "/nowhere")


class Hashes(unittest.TestCase):
    """Values of the reference implementation, xxHash 0.8."""

    def test_of_64_bits(self) -> None:
        data = bytes(range(256)) * 8
        for size, wanted in VALUES_64.items():
            self.assertEqual(wanted, xxh64(data[:size]), size)

    def test_of_128_bits(self) -> None:
        data = bytes(range(128))
        for size, wanted in VALUES_128.items():
            self.assertEqual(wanted, "%016x%016x" % xxh128(data[:size]), size)


VALUES_64 = {
    0: 0x2d06800538d394c2,
    3: 0x5f4299fc161c9cbb,
    8: 0x3a1c2d7c85af88f8,
    16: 0x8355e3a6f61770db,
    17: 0x9ef341a99de37328,
    128: 0x85c6174c7ff4c46b,
    129: 0xec7642b431ba3e5a,
    240: 0x375a384d957fe865,
    241: 0x02e8cd95421c6d02,
    1024: 0xa870f92984398d22,
    1025: 0x78c86e91ee939852,
    2000: 0x26af7994e0e20830,
}
VALUES_128 = {
    17: "685bc458b37d057fc06e233df7729217",
    32: "25e7c9b3424ceed2457d9566b6fcd697",
    33: "02175c3aabb00637e08d84951339de86",
    128: "14792fc3af88dc6c05321a0b64d67b41",
}


if __name__ == "__main__":
    unittest.main()
