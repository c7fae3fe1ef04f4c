"""A collector in trouble troubles nobody, and what it does not get is counted."""

import re
import socket
import time
import unittest
import urllib.request

from collector import Collector
from harness import PATIENCE, SystemTest, free_port


class Trouble(SystemTest):
    def await_lost_spans(self, system) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            with urllib.request.urlopen(f"http://{system.admin['n1']}/metrics", timeout=PATIENCE) as answer:
                text = answer.read().decode()
            self.assertIn("\ntroupe_spans_sent_total 0\n", text)
            if re.search(r"^troupe_spans_lost_total [1-9]", text, re.MULTILINE):
                return
            self.assertLess(time.monotonic(), until, "a refused batch is not counted as lost")

    def measured(self, url: str | None, is_refused: bool) -> tuple[float, float]:
        """The median of how long some calls took, and how long the worker took to stop."""
        otlp = f', otlp: "{url}"' if url else ""
        system = self.system(more=f"traces: {{sample: 1{otlp}}}", admin=True)
        broker, worker = system.broker(), system.worker()
        client = system.client()
        took = []
        for _ in range(200):
            began = time.monotonic()
            reply = client.call("echo", "echo", {"payload": "a"})
            self.assertTrue(reply.ok, reply)
            took.append(time.monotonic() - began)
        if is_refused:
            self.assertIn("404", worker.wait_for("traces.refused")["reason"])
            self.await_lost_spans(system)
        elif url:
            worker.wait_for("traces.not_sent")
        began = time.monotonic()
        worker.signal(15)
        self.assertEqual(0, worker.await_end())
        stopped = time.monotonic() - began
        broker.end()
        return sorted(took)[len(took) // 2], stopped

    def test_what_of_a_batch_a_collector_refuses_is_lost_and_told(self):
        collector = Collector()
        self.addCleanup(collector.shutdown)
        partial = b"\x08\x01\x12\x0btoo old \xe2\x80\xae"
        collector.answer = b"\x0a" + bytes([len(partial)]) + partial
        system = self.system(more=f'traces: {{sample: 1, otlp: "{collector.url}"}}', admin=True)
        system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("echo", "echo", {"payload": "a"}).ok)
        told = worker.wait_for("traces.refused")
        self.assertEqual(("1", "too old \u202e"), (told["spans"], told["reason"]))
        until = time.monotonic() + PATIENCE
        while True:
            with urllib.request.urlopen(f"http://{system.admin['n1']}/metrics", timeout=PATIENCE) as answer:
                lost = re.search(r"^troupe_spans_lost_total (\d+)$", answer.read().decode(), re.MULTILINE)
            if int(lost[1]) > 0:
                break
            self.assertLess(time.monotonic(), until)
        with self.subTest("an answer without end says nothing, and the next batch leaves"):
            collector.answer = b"\x0a\x7f" + b"x" * 5_000_000
            count = len(collector.bodies)
            self.assertTrue(system.client().call("echo", "echo", {"payload": "a"}).ok)
            with collector.news:
                self.assertTrue(collector.news.wait_for(lambda: len(collector.bodies) > count, PATIENCE))

    def test_a_collector_in_trouble_troubles_nobody(self):
        usual, _ = self.measured(None, False)
        for words, status, hangs in (("away", None, False), ("busy", 503, False), ("strange", 404, False),
                                     ("silent", 200, True), ("silent at once", None, True)):
            with self.subTest(words):
                url = f"http://127.0.0.1:{free_port()}/v1/traces"
                if status is not None:
                    collector = Collector(status)
                    self.addCleanup(collector.shutdown)
                    url = collector.url
                    if hangs:
                        collector.hangs.set()
                elif hangs:  # A connection that nobody accepts: its first bytes are not even read.
                    deaf = socket.create_server(("127.0.0.1", 0))
                    self.addCleanup(deaf.close)
                    url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces"
                beside, stopped = self.measured(url, status == 404)
                print(f"a collector that is {words}: calls take {beside * 1e3:.1f} ms, {usual * 1e3:.1f} without one; a stop {stopped:.1f} s")
                self.assertLess(beside, 10 * usual + 0.05)
                self.assertLess(stopped, 3 + 2, "a stop waits for the collector")  # Of a busy machine.


    def counts(self, system) -> tuple[int, int]:
        """The spans of a worker that a collector has taken, and those that none will."""
        with urllib.request.urlopen(f"http://{system.admin['n1']}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return tuple(int(re.search(rf"^troupe_spans_{name}_total (\d+)$", text, re.MULTILINE)[1]) for name in ("sent", "lost"))

    def await_counts(self, system, is_right) -> tuple[int, int]:
        until = time.monotonic() + PATIENCE
        while not is_right(*(found := self.counts(system))):
            self.assertLess(time.monotonic(), until, found)
        return found

    def test_a_collector_that_says_when_is_asked_then(self):
        collector = Collector(503)
        self.addCleanup(collector.shutdown)
        collector.retry_after = "3"  # By itself it would be asked again after a second.
        system = self.system(more=f'traces: {{sample: 1, otlp: "{collector.url}"}}', admin=True)
        system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("echo", "echo", {"payload": "a"}).ok)
        worker.wait_for("traces.not_sent")
        collector.status = 200
        worker.wait_for("traces.sent_again")
        ours = [at for at, node in collector.asked if node == "n1"]
        self.assertGreater(ours[1] - ours[0], 2.9)

    def test_what_a_collector_says_need_not_make_sense(self):
        collector = Collector()
        self.addCleanup(collector.shutdown)
        system = self.system(more=f'traces: {{sample: 1, otlp: "{collector.url}"}}', admin=True)
        system.broker()
        worker = system.worker()
        client = system.client()
        sent = 0
        for answer in (b"<html>welcome</html>", bytes(range(128, 256)), b"\x0a\xff\xff\xff\xff\x0f", b"\0" * 64, b"\x0a\x02\x08", b'{"partialSuccess": {}}'):
            with self.subTest(answer[:20]):
                collector.answer = answer
                self.assertTrue(client.call("echo", "echo", {"payload": "a"}).ok)
                sent += 1
                self.assertEqual((sent, 0), self.await_counts(system, lambda taken, lost: taken + lost >= sent))
        self.assertEqual([], worker.find("traces.refused"))

    def test_what_has_no_room_while_a_collector_is_away_is_counted(self):
        collector = Collector(503)
        self.addCleanup(collector.shutdown)
        system = self.system(more=f'traces: {{sample: 1, otlp: "{collector.url}"}}', admin=True)
        system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("echo", "echo", {"payload": "a"}).ok)
        worker.wait_for("traces.not_sent")
        count = 6_000  # Each of two replicas keeps 1,024 of them.
        for _ in range(count // 200):
            ids = [client.send("echo", "echo", {"payload": "a"}) for _ in range(200)]
            self.assertEqual(200, len(client.collect(ids, 30)))
        self.assertEqual(0, self.counts(system)[0])
        collector.status = 200
        taken, lost = self.await_counts(system, lambda taken, lost: taken + lost == count + 1)
        self.assertGreater(lost, count // 2)
        self.assertGreaterEqual(taken, 1 + 1024)
        worker.wait_for("traces.sent_again")


if __name__ == "__main__":
    unittest.main()
