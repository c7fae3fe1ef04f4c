"""Negative controls of what the checker says of events (I9 to I18), as in checker_test.py."""

import unittest
import uuid

import good_events
from checker_test import CONFIRMED, CONFIRMED_TOO, DECLINED, STRANGER, CheckerTest
from good_run import ORDERS, Order

EVENTS = {"I9", "I10", "I11", "I12", "I13", "I17", "I18"}
# Where the good run has them; 1 is the client's event.
CREATED_AT, CONFIRMED_AT, NEXT_CREATED_AT, LAST_AT = 2, 3, 4, 21
LAST = ORDERS[9]
CREATED_TOPIC, CONFIRMED_TOPIC, CANCELLED_TOPIC = 2, 3, 4


class EventsTest(CheckerTest):
    def journal(self, position: int, topic: int, key: str, event: bytes, only_for: str | None = None
                ) -> None:
        self.change("journal", "INSERT INTO events VALUES (?, ?, ?, 0, NULL, ?, 'orders', NULL, ?,"
                               " x'80')", position, topic, event, key, only_for)

    def swap(self, first: int, second: int) -> None:
        for old, new in ((first, -1), (second, first), (-1, second)):
            self.change("journal", "UPDATE events SET position = ? WHERE position = ?", new, old)

    def move_cursor(self, *positions: int) -> None:
        with self.run_.database("journal") as journal:
            good_events.move_cursor(journal, *positions)

    def lose_mail(self, order: Order) -> None:
        self.change("notifications", "DELETE FROM mails WHERE order_id = ?", order.id.bytes)
        good_events.write_mail(self.run_.data, order.id).unlink()

    def bury(self, order: Order, position: int) -> None:
        self.change("journal", "INSERT INTO dead_letters VALUES (x'd1', 'notifications', ?,"
                               " 'order.confirmed', ?, 0, NULL, ?, 'orders', NULL, NULL, x'80',"
                               " 'rejected', 'no', 1, 0, 0, 'n1', 0)",
                    position, good_events.event_id(order.id, "order.confirmed"), str(order.id))

    def assert_good(self) -> dict:
        status, report = self.check()
        self.assertEqual((0, "good"), (status, report["verdict"]), report)
        return report

    def assert_not_quiet(self) -> dict:
        status, report = self.check()
        self.assertEqual((1, "not quiet", True), (status, report["verdict"], report["safe"]), report)
        return report


class AtLeastOnce(EventsTest):
    def test_a_mail_that_is_missing_below_the_cursor(self) -> None:
        self.lose_mail(CONFIRMED)
        report = self.assert_caught_by("I9", "I17", "I18")
        self.assertEqual(str(CONFIRMED.id), report["invariants"]["I9"]["first_key"])
        self.assertEqual(1, report["counts"]["confirmations_lost"])

    def test_a_mail_that_is_missing_above_the_cursor_is_pending(self) -> None:
        self.lose_mail(CONFIRMED)
        self.move_cursor(CONFIRMED_AT - 1)
        report = self.assert_not_quiet()
        self.assertEqual(1, report["liveness"]["unhandled"])
        self.assertEqual(1, report["counts"]["confirmations_pending"])

    def test_a_mail_that_is_missing_in_the_last_partition_is_pending(self) -> None:
        self.lose_mail(CONFIRMED)
        self.move_cursor(CONFIRMED_AT - 1, LAST_AT)
        self.assert_not_quiet()

    def test_a_raised_cursor(self) -> None:
        self.lose_mail(CONFIRMED)
        self.move_cursor(CONFIRMED_AT - 1)
        self.move_cursor(CONFIRMED_AT)
        self.assert_caught_by("I9", "I17", "I18")
        self.assertEqual(1, self.check("--while-running")[0])

    def test_a_cursor_above_all_that_there_is(self) -> None:
        self.move_cursor(LAST_AT + 1, LAST_AT)
        self.assert_caught_by("I18")

    def test_a_dead_letter_is_an_end(self) -> None:
        self.lose_mail(CONFIRMED)
        self.bury(CONFIRMED, CONFIRMED_AT)
        counts = self.assert_good()["counts"]
        self.assertEqual((6, 1), (counts["confirmations_handled"], counts["confirmations_dead"]))

    def test_a_dead_letter_of_somebody_else_is_none(self) -> None:
        self.lose_mail(CONFIRMED)
        self.bury(CONFIRMED, CONFIRMED_AT)
        self.change("journal", "UPDATE dead_letters SET capability = 'statistics'")
        self.assert_caught_by("I9", "I17", "I18")

    def test_a_dead_letter_that_is_tried_again_is_pending(self) -> None:
        self.lose_mail(CONFIRMED)
        self.journal(LAST_AT + 1, CONFIRMED_TOPIC, str(CONFIRMED.id),
                     good_events.event_id(CONFIRMED.id, "order.confirmed"), "notifications")
        self.assert_not_quiet()

    def test_an_event_that_was_never_told(self) -> None:
        self.change("journal", "DELETE FROM events WHERE position = ?", CREATED_AT)
        report = self.assert_caught_by("I9", "I17")
        self.assertEqual(str(CONFIRMED.id), report["invariants"]["I9"]["first_key"])

    def test_a_confirmation_that_was_never_told(self) -> None:
        self.change("journal", "DELETE FROM events WHERE position = ?", CONFIRMED_AT)
        # Its mail is then of nothing.
        self.assert_caught_by("I9", "I11", "I17")

    def test_a_confirmed_order_without_events(self) -> None:
        with self.run_.database("orders") as orders, self.run_.database("journal") as journal:
            orders.execute("DELETE FROM events WHERE stream = ? AND type = 'confirmed'",
                           (LAST.id.bytes,))
            journal.execute("DELETE FROM events WHERE position = ?", (LAST_AT,))
            good_events.settle(orders, journal)
        self.lose_mail(LAST)
        self.assert_caught_by("I9", key=LAST)

    def test_an_order_from_before_the_events_was_never_told(self) -> None:
        for order in ORDERS:
            with self.run_.database("orders") as orders:
                orders.execute("UPDATE events SET cause = stream WHERE stream = ?",
                               (order.id.bytes,))
        self.lose_mail(LAST)
        with self.run_.database("orders") as orders, self.run_.database("journal") as journal:
            journal.execute("DELETE FROM events WHERE key = ?", (str(LAST.id),))
            good_events.settle(orders, journal)
        self.assert_good()

    def test_an_event_in_the_outbox_is_not_quiet(self) -> None:
        self.lose_mail(LAST)
        self.change("journal", "DELETE FROM events WHERE position = ?", LAST_AT)
        self.change("journal", "UPDATE sources SET taken = taken - 1")
        self.move_cursor(LAST_AT - 1)
        self.assertEqual(1, self.assert_not_quiet()["liveness"]["leaving"]["orders"])

    def test_a_postponed_event_is_not_quiet(self) -> None:
        self.lose_mail(CONFIRMED)
        self.change("notifications", "INSERT INTO postponed VALUES (?, 7, '', 1, 0, 'transient', '',"
                                     " 0)", CONFIRMED_AT)
        self.assertEqual(1, self.assert_not_quiet()["liveness"]["postponed"]["notifications"])

    def test_a_mail_that_was_only_asked_for_is_not_quiet(self) -> None:
        self.change("notifications", "UPDATE mails SET state = 'asked', message_id = ''"
                                     " WHERE order_id = ?", CONFIRMED.id.bytes)
        self.assertEqual(1, self.assert_not_quiet()["liveness"]["unsent"])

    def test_a_file_that_is_missing_in_the_spool(self) -> None:
        good_events.write_mail(self.run_.data, CONFIRMED.id).unlink()
        self.assert_caught_by("I9", key=CONFIRMED)


class ExactlyOnce(EventsTest):
    def without_constraints(self) -> None:
        with self.run_.database("notifications") as database:
            database.executescript("ALTER TABLE mails RENAME TO old;"
                                   " CREATE TABLE mails AS SELECT * FROM old; DROP TABLE old;")

    def test_two_mails(self) -> None:
        self.without_constraints()
        self.change("notifications", "INSERT INTO mails SELECT * FROM mails WHERE order_id = ?",
                    CONFIRMED.id.bytes)
        self.assert_caught_by("I10", key=CONFIRMED)
        self.assertEqual(1, self.check("--while-running")[0])

    def test_two_mails_for_two_events(self) -> None:
        self.without_constraints()
        self.change("notifications", "INSERT INTO mails SELECT order_id, x'09', recipient, state,"
                                     " message_id, 1, '', 0, 0 FROM mails WHERE order_id = ?",
                    CONFIRMED.id.bytes)
        # The second of which there never was.
        self.assert_caught_by("I10", "I11", key=CONFIRMED)

    def test_two_mails_for_one_event(self) -> None:
        self.change("notifications", "UPDATE mails SET event_id = ? WHERE order_id = ?",
                    good_events.event_id(CONFIRMED_TOO.id, "order.confirmed"), CONFIRMED.id.bytes)
        self.assert_caught_by("I10", "I11", key=CONFIRMED)

    def test_two_files_of_one_mail(self) -> None:
        good_events.write_mail(self.run_.data, CONFIRMED.id, file="again")
        self.assert_caught_by("I10", key=CONFIRMED)

    def test_two_letters_for_one_order(self) -> None:
        good_events.write_mail(self.run_.data, CONFIRMED.id, file="again", head="<x@shop.example>")
        self.assert_caught_by("I10", "I11", key=CONFIRMED)

    def test_one_message_id_for_two_orders(self) -> None:
        good_events.write_mail(self.run_.data, CONFIRMED_TOO.id,
                               head=good_events.message_id(CONFIRMED.id))
        # So the second order's own mail is missing, and what is there is none of it.
        self.assert_caught_by("I9", "I10", "I11")

    def test_an_order_that_is_told_twice(self) -> None:
        self.journal(LAST_AT + 1, CREATED_TOPIC, str(LAST.id), uuid.UUID(int=9).bytes)
        # The second time after it was confirmed.
        self.assert_caught_by("I10", "I12", key=LAST)

    def test_a_confirmation_that_is_told_twice(self) -> None:
        self.journal(LAST_AT + 1, CONFIRMED_TOPIC, str(LAST.id), uuid.UUID(int=9).bytes)
        self.assert_caught_by("I10", key=LAST)

    def test_an_id_that_is_there_twice(self) -> None:
        self.change("journal", "INSERT INTO events VALUES (?, 1, ?, 0, 1, NULL, NULL, NULL, NULL,"
                               " x'80')", LAST_AT + 1, good_events.CLIENTS.bytes)
        self.assert_caught_by("I10")

    def test_an_event_that_is_tried_again_is_no_second_one(self) -> None:
        self.journal(LAST_AT + 1, CONFIRMED_TOPIC, str(LAST.id),
                     good_events.event_id(LAST.id, "order.confirmed"), "notifications")
        self.assert_good()


class NothingFromNowhere(EventsTest):
    def test_an_invented_order(self) -> None:
        stranger = uuid.UUID(bytes=STRANGER)
        self.journal(LAST_AT + 1, CREATED_TOPIC, str(stranger), uuid.UUID(int=9).bytes)
        report = self.assert_caught_by("I11")
        self.assertEqual(str(stranger), report["invariants"]["I11"]["first_key"])
        self.assertEqual(1, self.check("--while-running")[0])

    def test_an_invented_end_of_an_order(self) -> None:
        self.journal(LAST_AT + 1, CANCELLED_TOPIC, str(CONFIRMED.id), uuid.UUID(int=9).bytes)
        self.assert_caught_by("I11", key=CONFIRMED)

    def test_an_event_without_an_order(self) -> None:
        self.journal(LAST_AT + 1, CREATED_TOPIC, "hello", uuid.UUID(int=9).bytes)
        self.assert_caught_by("I11")

    def test_a_mail_for_a_cancelled_order(self) -> None:
        self.change("notifications", "INSERT INTO mails VALUES (?, ?, 'ann', 'failed', '', 1, '', 0,"
                                     " 0)", DECLINED.id.bytes, uuid.UUID(int=9).bytes)
        self.assert_caught_by("I11", key=DECLINED)
        self.assertEqual(1, self.check("--while-running")[0])

    def test_a_mail_for_an_event_that_is_none(self) -> None:
        self.change("notifications", "UPDATE mails SET event_id = x'09' WHERE order_id = ?",
                    CONFIRMED.id.bytes)
        self.assert_caught_by("I11", key=CONFIRMED)

    def test_a_file_that_nobody_knows(self) -> None:
        good_events.write_mail(self.run_.data, DECLINED.id)
        self.assert_caught_by("I11", key=DECLINED)


class InOrder(EventsTest):
    def test_two_events_of_an_order_swapped(self) -> None:
        self.swap(CREATED_AT, CONFIRMED_AT)
        self.assert_caught_by("I12", key=CONFIRMED)

    def test_events_of_two_orders_swapped(self) -> None:
        self.swap(CONFIRMED_AT, NEXT_CREATED_AT)
        self.assert_caught_by("I12")


class NothingVanishes(EventsTest):
    def test_a_deleted_publish(self) -> None:
        self.change("journal", "DELETE FROM events WHERE position = 1")
        self.assert_caught_by("I13", "I17")

    def test_a_publish_that_is_not_where_it_was_acknowledged(self) -> None:
        with self.run_.publish_log.open("a") as log:
            log.write(good_events.acknowledgement(uuid.UUID(int=9), LAST_AT))
        report = self.assert_caught_by("I13")
        self.assertEqual(str(uuid.UUID(int=9)), report["invariants"]["I13"]["first_key"])

    def test_an_event_that_was_taken_and_not_kept(self) -> None:
        self.change("journal", "UPDATE sources SET taken = taken + 1")
        self.assert_caught_by("I17")

    def sweep(self, upto: int) -> None:
        """As retention does: gone, and no longer among what the topics count."""
        with self.run_.database("journal") as journal:
            journal.execute("DELETE FROM events WHERE position <= ?", (upto,))
            journal.execute("UPDATE journal SET counted = ?", (LAST_AT,))
            journal.execute("UPDATE topics SET events ="
                            " (SELECT COUNT(*) FROM events WHERE topic = topics.id)")

    def test_what_retention_deleted_has_not_vanished(self) -> None:
        self.sweep(CONFIRMED_AT)
        self.assert_good()

    def test_one_more_than_retention_deleted(self) -> None:
        self.sweep(CONFIRMED_AT)
        self.change("journal", "DELETE FROM events WHERE position = ?", NEXT_CREATED_AT)
        self.assert_caught_by("I17")


class WithoutEvents(EventsTest):
    def without(self, *files: str) -> dict:
        for name in files:
            (self.run_.data / name).unlink()
        return self.assert_good()["invariants"]

    def test_a_run_from_before_the_journal(self) -> None:
        found = self.without("journal.db", "notifications.db")
        self.assertEqual(EVENTS, {name for name, result in found.items() if not result["checked"]})
        self.assertIn("no journal.db", found["I9"]["without"])

    def test_orders_from_before_their_events(self) -> None:
        with self.run_.database("orders") as orders:
            orders.execute("DROP TABLE events")
        self.assertEqual(["no events in orders.db"], self.without()["I12"]["without"])

    def test_a_run_without_notifications(self) -> None:
        found = self.without("notifications.db")
        self.assertEqual({"I18"}, {name for name, result in found.items() if not result["checked"]})
        self.assertEqual(["no notifications.db"], found["I9"]["without"])

    def test_a_log_of_publishes_that_is_none(self) -> None:
        self.run_.publish_log.write_text('{"id": 7}\n')
        with self.assertRaisesRegex(AssertionError, "no acknowledged publish"):
            self.check()


if __name__ == "__main__":
    unittest.main()
