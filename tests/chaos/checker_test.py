"""Negative controls of the checker: it passes a good run, and each damage to it is caught by exactly
the invariants that are there for it. A checker that never fails proves nothing."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

from good_run import COMPENSATED, COMPLETED, INTENT, ORDERS, UNDO_INTENT, GoodRun, Order

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", HERE.parent.parent))
CONFIRMED, CONFIRMED_TOO = ORDERS[0], ORDERS[1]
UNKNOWN_SKU, TAKEN_OVER, DECLINED, PAID_BACK = ORDERS[2], ORDERS[3], ORDERS[4], ORDERS[5]
STRANGER = uuid.UUID("01900000-0000-7000-8000-00000000beef").bytes


class CheckerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.good = pathlib.Path(folder.name) / "good"
        GoodRun.write(cls.good, SOURCE)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_ = GoodRun(pathlib.Path(shutil.copytree(self.good, f"{folder.name}/run")))

    def check(self, *options: str) -> tuple[int, dict]:
        done = subprocess.run(
            [sys.executable, str(HERE / "checker.py"), "--data", str(self.run_.data),
             "--client-log", str(self.run_.client_log),
             "--publish-log", str(self.run_.publish_log),
             "--orders", str(self.run_.folder / "orders.jsonl"), "--json", *options],
            capture_output=True, text=True, check=False)
        self.assertEqual("", done.stderr)
        return done.returncode, json.loads(done.stdout)

    def change(self, name: str, statement: str, *values: object, rows: int = 1) -> None:
        self.assertEqual(rows, self.run_.execute(name, statement, *values), statement)

    def assert_caught_by(self, *expected: str, key: Order | None = None) -> dict:
        status, report = self.check()
        fired = {name: result for name, result in report["invariants"].items()
                 if result["violations"]}
        self.assertEqual(sorted(expected), sorted(fired), fired)
        self.assertEqual(1, status)
        self.assertFalse(report["safe"])
        if key is not None:
            self.assertEqual({str(key.id)}, {result["first_key"] for result in fired.values()})
        return report


class AGoodRun(CheckerTest):
    def test_passes_with_counts(self) -> None:
        status, report = self.check()

        self.assertEqual(0, status, report)
        self.assertEqual("good", report["verdict"])
        counts = report["counts"]
        self.assertEqual(10, counts["attempted"])
        self.assertEqual(12, counts["calls"])
        self.assertEqual({"overloaded": 1, "deadline_exceeded": 2}, counts["failed_calls"])
        self.assertEqual(9, counts["acknowledged"])
        self.assertEqual(6, counts["confirmed"])
        self.assertEqual({"unknown_sku": 1, "payment_declined": 1, "deadline_exceeded": 1},
                         counts["rejected"])
        self.assertEqual((1, 1, 1), (counts["unknown"], counts["unanswered"], counts["recovered"]))
        self.assertEqual((0, 0, 0), (counts["lost"], counts["unexpected"], counts["duplicated"]))
        self.assertEqual(2, counts["provider_repeats"])
        self.assertEqual(2, counts["taken_over"])
        self.assertEqual(21, counts["events"])
        self.assertEqual((7, 7, 0, 0), tuple(
            counts[f"confirmations_{name}"] for name in ("published", "handled", "dead", "pending")))
        self.assertTrue(all(result["checked"] and not result["without"]
                            for result in report["invariants"].values()))

    def test_passes_while_it_runs(self) -> None:
        self.assertEqual(0, self.check("--while-running")[0])

    def test_can_have_a_log_that_was_cut_off(self) -> None:
        with self.run_.client_log.open("a") as log:
            log.write('{"call_id": "0190')

        self.assertEqual(0, self.check()[0])

    def test_is_quiet_at_once(self) -> None:
        status, _ = self.check("--wait-quiet", "30")

        self.assertEqual(0, status)


class Stock(CheckerTest):
    def test_a_piece_that_vanished(self) -> None:
        self.change("inventory", "UPDATE stock SET available = available - 1 WHERE sku = 'tea'")
        self.assert_caught_by("I1")

    def test_a_piece_that_vanished_is_seen_while_it_runs(self) -> None:
        self.change("inventory", "UPDATE stock SET available = available - 1 WHERE sku = 'tea'")
        self.assertEqual(1, self.check("--while-running")[0])

    def hold(self, order: bytes, sku: str, taken: bool) -> None:
        self.change("inventory", "INSERT INTO reservations VALUES (?, ?, 1, 500, 'held')", order, sku)
        if taken:
            self.change("inventory", "UPDATE stock SET available = available - 1 WHERE sku = ?", sku)

    def test_a_reservation_added_to_a_cancelled_order(self) -> None:
        self.change("inventory", "UPDATE reservations SET state = 'held' WHERE order_id = ?",
                    DECLINED.id.bytes)
        self.assert_caught_by("I1", "I2", "I4", "I8")

    def test_an_added_line_of_a_confirmed_order(self) -> None:
        self.hold(CONFIRMED_TOO.id.bytes, "tea", taken=True)
        # It is worth more than was paid, too.
        self.assert_caught_by("I2", "I3", key=CONFIRMED_TOO)

    def test_an_invented_reservation(self) -> None:
        self.hold(STRANGER, "tea", taken=True)
        self.assert_caught_by("I8")

    def test_an_invented_reservation_that_was_not_taken_from_the_shelf(self) -> None:
        self.hold(STRANGER, "tea", taken=False)
        self.assert_caught_by("I1", "I8")

    def test_another_quantity(self) -> None:
        self.change("orders", "UPDATE order_lines SET quantity = 4 WHERE order_id = ?",
                    CONFIRMED_TOO.id.bytes)
        # Neither what is held nor what was asked for.
        self.assert_caught_by("I2", "I4", key=CONFIRMED_TOO)


class Money(CheckerTest):
    def test_a_cent_too_much(self) -> None:
        self.change("payments", "UPDATE ledger SET amount_cents = amount_cents + 1"
                                " WHERE order_id = ?", CONFIRMED.id.bytes)
        self.assert_caught_by("I3", key=CONFIRMED)

    def test_a_cent_too_much_by_the_provider(self) -> None:
        log = self.run_.provider_log
        log.write_text(log.read_text().replace(f"{CONFIRMED.id} {CONFIRMED.cents}",
                                               f"{CONFIRMED.id} {CONFIRMED.cents + 1}"))
        self.assert_caught_by("I3", key=CONFIRMED)

    def test_two_errors_that_add_up_to_nothing(self) -> None:
        for order, cents in ((CONFIRMED, 1), (CONFIRMED_TOO, -1)):
            self.change("payments", "UPDATE ledger SET amount_cents = amount_cents + ?"
                                    " WHERE order_id = ?", cents, order.id.bytes)
        self.assert_caught_by("I3")

    def test_a_second_capture_under_another_key(self) -> None:
        with self.run_.provider_log.open("a") as log:
            log.write(self.run_.transfer(CONFIRMED, "capture", key=str(uuid.UUID(int=7))))
        report = self.assert_caught_by("I3", "I3b", key=CONFIRMED)
        self.assertEqual(1, report["counts"]["duplicated"])

    def test_a_second_capture_under_its_key_is_none(self) -> None:
        with self.run_.provider_log.open("a") as log:
            log.write(self.run_.transfer(CONFIRMED, "capture"))
        status, report = self.check()
        self.assertEqual((0, 3), (status, report["counts"]["provider_repeats"]))

    def test_more_paid_back_than_was_taken(self) -> None:
        self.change("payments", "INSERT INTO ledger VALUES (?, 'refund', ?)",
                    CONFIRMED.id.bytes, CONFIRMED.cents + 1)
        self.assert_caught_by("I3", "I3b", "I8", key=CONFIRMED)

    def test_a_refund_that_is_missing(self) -> None:
        self.change("payments", "DELETE FROM ledger WHERE kind = 'refund' AND order_id = ?",
                    PAID_BACK.id.bytes)
        self.assert_caught_by("I3", "I4", "I8", key=PAID_BACK)


class Acknowledged(CheckerTest):
    def drop(self, order: Order) -> None:
        """As if it had never been: only who was told of it knows."""
        key = order.id.bytes
        for sku, count in order.items.items():
            self.change("inventory", "UPDATE stock SET available = available + ? WHERE sku = ?",
                        count, sku)
        for name, table, column in (
                ("inventory", "claims", "order_id"), ("inventory", "reservations", "order_id"),
                ("orders", "orders", "order_id"), ("orders", "order_lines", "order_id"),
                ("payments", "payments", "order_id"), ("payments", "ledger", "order_id"),
                ("order_saga", "sagas", "id"), ("order_saga", "inbox", "id"),
                ("order_saga", "saga_journal", "saga")):
            self.assertGreater(
                self.run_.execute(name, f"DELETE FROM {table} WHERE {column} = ?", key), 0)
        self.run_.forget_events(order)
        log = self.run_.provider_log
        log.write_text("".join(line for line in log.read_text().splitlines(True)
                               if str(order.id) not in line))

    def test_a_dropped_order(self) -> None:
        self.drop(CONFIRMED)
        report = self.assert_caught_by("I4", key=CONFIRMED)
        self.assertEqual(1, report["counts"]["lost"])

    def test_a_dropped_order_that_nobody_was_told_of(self) -> None:
        self.drop(ORDERS[8])
        self.assertEqual(0, self.check()[0])

    def test_a_deleted_row_of_an_order(self) -> None:
        self.change("orders", "DELETE FROM orders WHERE order_id = ?", CONFIRMED.id.bytes)
        # It was told and mailed, too.
        self.assert_caught_by("I4", "I8", "I11", key=CONFIRMED)

    def test_an_order_that_nobody_asked_for(self) -> None:
        log = self.run_.client_log
        log.write_text("".join(line for line in log.read_text().splitlines(True)
                               if str(CONFIRMED.id) not in line))
        report = self.assert_caught_by("I4", key=CONFIRMED)
        self.assertEqual(1, report["counts"]["unexpected"])

    def rewrite_log(self, order: Order, **fields: object) -> None:
        lines = [json.loads(line) for line in self.run_.client_log.read_text().splitlines()]
        for record in lines:
            if record["call_id"] == str(order.id) and record["phase"] == "return":
                record.update(fields)
        self.run_.client_log.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def test_a_refusal_that_was_a_lie(self) -> None:
        self.rewrite_log(CONFIRMED, outcome="fail", code="rejected", reason="out_of_stock")
        self.assert_caught_by("I4", key=CONFIRMED)

    def test_another_total(self) -> None:
        self.rewrite_log(CONFIRMED, total_cents=1)
        self.assert_caught_by("I4", key=CONFIRMED)

    def test_another_order(self) -> None:
        self.rewrite_log(CONFIRMED, order_id=str(CONFIRMED_TOO.id))
        self.assert_caught_by("I4b", key=CONFIRMED)

    def test_two_answers(self) -> None:
        with self.run_.client_log.open("a") as log:
            common = {"call_id": str(CONFIRMED.id), "op": "order_saga.place"}
            log.write(json.dumps({**common, "phase": "invoke", "line": 1}) + "\n")
            log.write(json.dumps({**common, "phase": "return", "outcome": "fail",
                                  "code": "rejected", "reason": "out_of_stock"}) + "\n")
        self.assert_caught_by("I4b", key=CONFIRMED)

    def test_an_answer_for_what_was_not_asked(self) -> None:
        self.rewrite_log(CONFIRMED, order_id=str(CONFIRMED.id))
        lines = self.run_.client_log.read_text().replace('"line": 1}', '"line": 2}')
        self.run_.client_log.write_text(lines)
        self.assert_caught_by("I4", key=CONFIRMED)


class Sagas(CheckerTest):
    def journal(self, order: Order, seq: int, kind: int, step: int, epoch: int = 1) -> None:
        self.change("order_saga", "INSERT INTO saga_journal VALUES (?, ?, ?, ?, 0, 1, ?, 0, NULL)",
                    order.id.bytes, seq, kind, step, epoch)

    def last_seq(self, order: Order) -> int:
        with self.run_.database("order_saga") as database:
            return database.execute("SELECT MAX(seq) FROM saga_journal WHERE saga = ?",
                                    (order.id.bytes,)).fetchone()[0]

    def test_an_end_that_is_not_in_the_journal(self) -> None:
        self.change("order_saga", "DELETE FROM saga_journal WHERE saga = ? AND kind = ?",
                    CONFIRMED.id.bytes, COMPLETED)
        self.assert_caught_by("I5", key=CONFIRMED)

    def test_an_answer_that_was_never_kept(self) -> None:
        self.change("order_saga", "UPDATE inbox SET state = 1 WHERE id = ?", CONFIRMED.id.bytes)
        report = self.assert_caught_by("I5", key=CONFIRMED)
        self.assertEqual(1, report["liveness"]["pending"]["order_saga"])

    def test_a_saga_that_never_ended_is_no_violation_but_not_quiet(self) -> None:
        key = UNKNOWN_SKU.id.bytes
        self.change("order_saga", "DELETE FROM saga_journal WHERE saga = ? AND kind = ?",
                    key, COMPENSATED)
        self.change("order_saga", "UPDATE sagas SET phase = 1 WHERE id = ?", key)
        self.change("order_saga", "UPDATE inbox SET state = 1 WHERE id = ?", key)

        status, report = self.check()

        self.assertEqual((1, "not quiet", True), (status, report["verdict"], report["safe"]))
        self.assertEqual(1, report["liveness"]["unfinished_sagas"])

    def test_an_effect_without_a_result_is_not_quiet(self) -> None:
        self.change("payments", "INSERT INTO effects VALUES (x'01', x'02', 'charge_card', x'80', 1)")
        self.assertEqual("not quiet", self.check()[1]["verdict"])

    def test_swapped_undos(self) -> None:
        self.change("order_saga", "UPDATE saga_journal SET step = 1 - step"
                                  " WHERE saga = ? AND kind IN (5, 6)", DECLINED.id.bytes, rows=4)
        self.assert_caught_by("I6", key=DECLINED)

    def test_an_undo_that_was_forgotten(self) -> None:
        with self.run_.database("order_saga") as database:
            key = UNKNOWN_SKU.id.bytes
            database.execute("DELETE FROM saga_journal WHERE saga = ? AND kind IN (5, 6)", (key,))
            database.execute("UPDATE saga_journal SET seq = seq - 2 WHERE saga = ? AND kind = 8",
                             (key,))
        # The order was cancelled all the same, and the journal knows of no reason.
        self.assert_caught_by("I6", "I8", key=UNKNOWN_SKU)

    def test_a_step_after_turning_back(self) -> None:
        last = self.last_seq(DECLINED)
        self.change("order_saga", "UPDATE saga_journal SET seq = seq + 1 WHERE saga = ? AND seq = ?",
                    DECLINED.id.bytes, last)
        self.journal(DECLINED, last, INTENT, 3)
        self.assert_caught_by("I6", key=DECLINED)

    def test_a_step_that_is_undone_twice(self) -> None:
        last = self.last_seq(UNKNOWN_SKU)
        self.change("order_saga", "UPDATE saga_journal SET seq = seq + 2 WHERE saga = ? AND seq = ?",
                    UNKNOWN_SKU.id.bytes, last)
        self.journal(UNKNOWN_SKU, last, UNDO_INTENT, 0)
        self.journal(UNKNOWN_SKU, last + 1, 6, 0)
        self.assert_caught_by("I6", key=UNKNOWN_SKU)

    def test_a_lowered_epoch(self) -> None:
        self.change("order_saga", "UPDATE saga_journal SET epoch = 1 WHERE saga = ? AND seq = ?",
                    TAKEN_OVER.id.bytes, self.last_seq(TAKEN_OVER))
        self.assert_caught_by("I7", key=TAKEN_OVER)

    def test_a_lowered_first_epoch(self) -> None:
        self.change("order_saga", "UPDATE saga_journal SET epoch = 0 WHERE saga = ? AND seq = 1",
                    CONFIRMED.id.bytes)
        self.assert_caught_by("I7", key=CONFIRMED)

    def test_an_owner_that_nobody_knows(self) -> None:
        self.change("order_saga", "UPDATE sagas SET epoch = 1 WHERE id = ?", TAKEN_OVER.id.bytes)
        self.assert_caught_by("I7", key=TAKEN_OVER)

    def test_a_gap(self) -> None:
        self.change("order_saga", "UPDATE saga_journal SET seq = seq + 1 WHERE saga = ? AND seq = ?",
                    CONFIRMED.id.bytes, self.last_seq(CONFIRMED))
        self.assert_caught_by("I7", key=CONFIRMED)

    def test_two_ends(self) -> None:
        self.journal(CONFIRMED, self.last_seq(CONFIRMED) + 1, COMPLETED, 3)
        self.assert_caught_by("I7", key=CONFIRMED)

    def test_a_row_after_the_end(self) -> None:
        self.journal(CONFIRMED, self.last_seq(CONFIRMED) + 1, 10, 3)  # Resumed, by nobody.
        self.assert_caught_by("I5", "I7", key=CONFIRMED)

    def test_an_undo_that_did_not_reach_the_order(self) -> None:
        self.change("orders", "UPDATE orders SET state = 'created' WHERE order_id = ?",
                    DECLINED.id.bytes)
        # And was told all the same.
        self.assert_caught_by("I8", "I11", key=DECLINED)


class WhatCannotBeChecked(CheckerTest):
    def status(self, *arguments: str) -> int:
        return subprocess.run([sys.executable, str(HERE / "checker.py"), *arguments],
                              capture_output=True, check=False).returncode

    def test_a_database_that_is_missing(self) -> None:
        (self.run_.data / "payments.db").unlink()
        self.assertEqual(2, self.status("--data", str(self.run_.data)))

    def test_a_database_that_is_none(self) -> None:
        (self.run_.data / "payments.db").write_bytes(b"no database" * 500)
        self.assertEqual(2, self.status("--data", str(self.run_.data)))

    def test_a_log_that_is_none(self) -> None:
        self.run_.client_log.write_text("hello\n")
        self.assertEqual(2, self.status("--data", str(self.run_.data),
                                        "--client-log", str(self.run_.client_log)))

    def test_the_report_for_people_names_the_first_violation(self) -> None:
        self.change("payments", "UPDATE ledger SET amount_cents = amount_cents + 1"
                                " WHERE order_id = ?", CONFIRMED.id.bytes)
        done = subprocess.run([sys.executable, str(HERE / "checker.py"),
                               "--data", str(self.run_.data)],
                              capture_output=True, text=True, check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, rf"I3 .*VIOLATED\n +first: {CONFIRMED.id}: ")


if __name__ == "__main__":
    unittest.main()
