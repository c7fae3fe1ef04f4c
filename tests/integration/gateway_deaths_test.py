"""Brokers and gateways that die in the middle: no event missed, nothing lost or done twice."""

import contextlib
import http.client
import json
import subprocess
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from gateway_systems import Answer, Gateway, GatewayTest, uuid4, uuid7
from harness import PATIENCE, SOURCE, System
from systems import SHOP

# The keys of each map in their order: the checker knows the digest of such a call.
STOCK = {"items": [{"currency": "EUR", "price_cents": 100, "quantity": 1_000_000, "sku": "TEA"}]}
ORDER = {"customer": "ann@example.com", "currency": "EUR", "card": "tok_1",
         "items": [{"sku": "TEA", "quantity": 1}]}


class Streams(GatewayTest):
    def setUp(self) -> None:
        self.shop, self.gateway = self.served(
            {"notes": "{actor: notes, subscribes: [note.*]}"},
            "GET /events: {events: [note.*]}\nGET /noted: {events: [noted]}")
        self.broker = self.shop.broker()

    def publish(self, *numbers: object) -> None:
        """Each until it is on disk, under one id."""
        client = self.shop.client()
        for number in numbers:
            reply = client.call("troupe.publish", "note.taken", {"text": str(number)})
            self.assertTrue(reply.ok, reply)

    def texts(self, *streams) -> list[int]:
        return [int(data["text"]) for stream in streams for _, _, data in stream.events]

    def test_events_come_once_and_in_order_from_where_a_stream_begins(self):
        self.start(self.shop)
        self.publish(0)
        one = self.stream(self.gateway, "/events")
        self.assertEqual((200, "text/event-stream"), (one.status, one.fields["Content-Type"]))
        self.publish(*range(1, 6))
        one.wait(lambda: len(one.events) == 5)
        self.assertEqual("note.taken", one.events[0][1])
        two = self.stream(self.gateway, "/events")
        self.publish(6)
        one.wait(lambda: len(one.events) == 6)
        two.wait(lambda: len(two.events) == 1)
        self.assertEqual([1, 2, 3, 4, 5, 6, 6], self.texts(one, two))
        again = self.stream(self.gateway, "/events", Last_Event_ID=str(one.events[1][0]))
        again.wait(lambda: len(again.events) == 4)
        self.assertEqual([3, 4, 5, 6], self.texts(again))
        oldest = self.stream(self.gateway, "/events", Last_Event_ID="0")
        oldest.wait(lambda: len(oldest.events) == 7)
        self.assertEqual(list(range(7)), self.texts(oldest))

    def test_events_larger_than_what_a_stream_keeps_hold_up_nothing(self):
        self.start(self.shop)
        stream = self.stream(self.gateway, "/events")
        large = "1" * 1_000_000
        self.publish(0, large, 2, large, large, 3)
        stream.wait(lambda: len(stream.events) == 6)
        self.assertEqual(["0", large, "2", large, large, "3"],
                         [data["text"] for _, _, data in stream.events])
        # The same for who is behind.
        again = self.stream(self.gateway, "/events", Last_Event_ID=str(stream.events[0][0]))
        again.wait(lambda: len(again.events) == 5)
        self.assertEqual(stream.events[1:], again.events)

    def test_a_stream_goes_on_over_the_death_of_the_broker(self):
        self.start(self.shop)
        kept = self.stream(self.gateway, "/events")
        first = self.stream(self.gateway, "/events")
        self.publish(*range(10))
        first.wait(lambda: len(first.events) == 10)
        first.close()
        self.broker.kill()
        # Comes again while there is no broker, as browsers do.
        second = self.stream(self.gateway, "/events", Last_Event_ID=first.last_id)
        self.assertEqual(200, second.status)
        self.broker = self.shop.broker()
        self.publish(*range(10, 20))
        second.wait(lambda: len(second.events) == 10)
        kept.wait(lambda: len(kept.events) == 20)
        self.assertEqual(list(range(20)), self.texts(kept))
        self.assertEqual(list(range(20)), self.texts(first, second))

    def test_a_stream_goes_on_at_another_gateway_process(self):
        process = self.start(self.shop)
        first = self.stream(self.gateway, "/events")
        self.publish(*range(5))
        first.wait(lambda: len(first.events) == 5)
        process.kill()
        first.wait(lambda: first.is_over)
        self.publish(*range(5, 10))
        self.start(self.shop)
        second = self.stream(self.gateway, "/events", Last_Event_ID=first.last_id)
        self.publish(10)
        second.wait(lambda: len(second.events) == 6)
        self.assertEqual(list(range(11)), self.texts(first, second))

    def test_a_position_that_the_journal_has_not_is_said(self):
        self.start(self.shop)
        lost = self.stream(self.gateway, "/events", Last_Event_ID="1000000")
        lost.wait(lambda: lost.events)
        self.assertEqual(("troupe.lost", 1_000_000), (lost.events[0][1], lost.events[0][2]["after"]))
        self.publish(1)
        lost.wait(lambda: len(lost.events) == 2)
        answer = self.gateway.ask("GET", "/events", Last_Event_ID="tea")
        self.assert_problem(400, "invalid", answer)

    def test_a_gateway_that_stops_ends_its_streams(self):
        process = self.start(self.shop)
        stream = self.stream(self.gateway, "/events")
        began = time.monotonic()
        process.child.terminate()
        stream.wait(lambda: stream.is_over)
        self.assertEqual(0, process.await_end())
        self.assertLess(time.monotonic() - began, 8, "it does not wait for readers to go")

    def test_a_reader_that_reads_slowly_misses_nothing_and_holds_nobody_up(self):
        self.start(self.shop)
        slow = self.stream(self.gateway, "/events", paused=True)
        quick = self.stream(self.gateway, "/events")
        client = self.shop.client()
        count = 400  # Five times what the ring holds, and more than sockets and the stream do.
        ids = [client.send("troupe.publish", "note.taken", {"text": f"{number:06}" + "x" * 50_000})
               for number in range(count)]
        self.assertEqual(count, len(client.collect(ids, 2 * PATIENCE)))
        quick.wait(lambda: len(quick.events) == count)
        slow.read()
        slow.wait(lambda: len(slow.events) == count)
        self.assertEqual([event[0] for event in quick.events], [event[0] for event in slow.events])
        self.assertEqual(count, len({event[2]["text"] for event in slow.events}))


class Orders(GatewayTest):
    """Whoever repeats an order under its key has ordered once."""

    def test_nothing_is_lost_or_done_twice_when_gateways_are_killed(self):
        shop, gateway = self.served(
            SHOP,
            "POST /orders: {call: order_saga.place, deadline: 10s, idempotency: required, status: 201}",
            more="defaults:\n  breaker: {threshold: 100000}\n  bulkhead: {in_flight: 256, queue: 1000}")
        shop.broker()
        shop.worker()
        process = self.start(shop)
        self.assertTrue(shop.client().call("inventory", "load", STOCK).ok)
        keys = [make() for _ in range(60) for make in (uuid7, uuid4)]
        answered = threading.Semaphore(0)
        retries = 0

        def order(key: str) -> Answer:
            nonlocal retries
            until = time.monotonic() + 4 * PATIENCE
            while time.monotonic() < until:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answer = gateway.ask("POST", "/orders", ORDER, Idempotency_Key=key)
                    if answer.status == 201:
                        answered.release()
                        return answer
                    self.assertIn(answer.status, (503, 504), answer)
                retries += 1
            raise AssertionError(f"{key} was not answered")

        with ThreadPoolExecutor(8) as pool:
            orders = [pool.submit(order, key) for key in keys]
            for _ in range(3):
                for _ in range(15):
                    self.assertTrue(answered.acquire(timeout=PATIENCE))
                process.kill()
                process = self.start(shop)
            answers = [each.result() for each in orders]
        self.assertGreater(retries, 0, "nobody was in the middle")
        ids = [each.json["order_id"] for each in answers]
        self.assertEqual(len(keys), len(set(ids)))
        confirmed = shop.rows("orders", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'")
        self.assertEqual([(len(keys),)], confirmed)
        self.assertEqual([(len(keys),)], shop.rows("payments", "SELECT COUNT(*) FROM payments"))
        # All of them are known at yet another process.
        process.kill()
        self.start(shop)
        for key, first in zip(keys[:10], answers):
            self.assertEqual(first.body, order(key).body)
        self.check_books(shop)

    def check_books(self, shop: System) -> None:
        """The checker of the chaos tests, which shares no code with what it checks."""
        stock = shop.folder / "stock.json"
        stock.write_text(json.dumps(STOCK))
        done = subprocess.run(
            ["/usr/bin/python3", "-B", str(SOURCE / "tests" / "chaos" / "checker.py"), "--data", str(shop.data),
             "--stock", str(stock), "--wait-quiet", str(int(PATIENCE))],
            capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
