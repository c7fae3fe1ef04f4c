"""Peers that are slow, leave, smuggle, or are too many: others never notice."""

import resource
import select
import socket
import struct

import http_harness
from http_harness import exchange, get, read_all, read_answer


class Smuggling(http_harness.Case):
    def assertRefused(self, server, sent: bytes, status: int) -> None:
        answer = exchange(server, sent)
        self.assertTrue(answer.startswith(f"HTTP/1.1 {status} ".encode()), (sent, answer))
        self.assertIn(b"application/problem+json", answer)
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(1, answer.count(b"HTTP/1.1 "), "no second request was seen inside")

    def test_a_request_hidden_in_another_is_not_seen(self):
        server = self.serve()
        hidden = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
        head = b"POST / HTTP/1.1\r\nHost: a\r\n"
        for fields in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                       b"Content-Length: 0\r\nContent-Length: 5\r\n",
                       b"Transfer-Encoding: chunked, identity\r\n",
                       b"Transfer-Encoding: xchunked\r\n",
                       b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n",
                       b"Content-Length: 0, 0\r\n",
                       b"X: a\r\n b\r\n",
                       b"Transfer-Encoding : chunked\r\n"):
            self.assertRefused(server, head + fields + b"\r\n0\r\n\r\n" + hidden, 400)
        self.assertRefused(server, head + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n" + hidden, 400)
        self.assertRefused(server, b"GET / HTTP/1.1\nHost: a\n\n" + hidden, 400)
        self.assertRefused(server, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 400)
        self.assertEqual(0, server.counts()["aborted"])
        self.assertHealthy(server)

    def test_what_is_too_large_is_told_so(self):
        server = self.serve()
        self.assertRefused(server, get("/" + "a" * 9000), 414)
        self.assertRefused(server, get(more="X: " + "a" * 70 * 1024 + "\r\n"), 431)
        self.assertRefused(server, get(more="X: a\r\n" * 10_000), 431)
        # The answer arrives though most of the body is unread.
        self.assertRefused(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"
                           + b"x" * 1_000_000, 413)
        self.assertRefused(server, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17, 413)

    def test_a_chunk_line_without_end_is_not_collected(self):
        server = self.serve()
        self.assertRefused(server, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"1;" + b"a" * 100_000, 400)

    def test_a_path_is_decoded_once(self):
        server = self.serve()
        for path in ("/..%2fetc", "/%2e%2e/etc", "/a%5c..%5cb", "/%c0%ae%c0%ae/", "/a%00", "/a%0d%0aX:y"):
            self.assertRefused(server, get(path), 400)
        self.assertIn(b"segment %2e%2e\n", exchange(server, get("/%252e%252e", "Connection: close\r\n")))

    def test_only_our_hosts_are_answered(self):
        server = self.serve("host=localhost")
        self.assertRefused(server, get(), 421)

    def test_an_answer_cannot_be_split_by_a_value(self):
        answer = exchange(self.serve(), get("/bad-field", "Connection: close\r\n"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 500 "))
        self.assertNotIn(b"Set-Cookie", answer)


class Slowness(http_harness.Case):
    def test_a_head_byte_by_byte_ends_at_its_deadline(self):
        server = self.serve("head=300")
        slow = [server.connect() for _ in range(50)]
        for raw in slow:
            raw.sendall(b"GET / HTTP/1.1\r\nHos")
        self.assertHealthy(server)
        raw = slow[0]
        raw.settimeout(0.05)
        # A byte now and then buys no time.
        sent, answer = 0, b""
        while not answer:
            try:
                answer = raw.recv(65536)
            except TimeoutError:
                raw.sendall(b"t")
                sent += 1
                self.assertLess(sent, 200)
        self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)
        for raw in slow[1:]:
            self.assertTrue(read_all(raw).startswith(b"HTTP/1.1 408 "))
        for raw in slow:
            raw.close()
        self.assertHealthy(server)

    def test_a_connection_that_says_nothing_is_closed(self):
        server = self.serve("head=200")
        with server.connect() as raw:
            self.assertEqual(b"", read_all(raw))

    def test_a_connection_that_says_nothing_more_is_closed(self):
        server = self.serve("idle=200")
        with server.connect() as raw:
            raw.sendall(get())
            self.assertEqual(200, read_answer(raw)[0])
            self.assertEqual(b"", read_all(raw))

    def test_a_body_that_stops_ends_at_its_deadline(self):
        server = self.serve("body=200")
        answer = exchange(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)

    def test_bodies_that_never_end_leave_room_for_others(self):
        server = self.serve("bodies=1000000")
        begun = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"x" * 200_000
        hostile = [server.connect() for _ in range(20)]
        refused = 0
        for raw in hostile:
            raw.sendall(begun)
        while refused < 18: # The others have half of the room, and wait.
            ready, _, _ = select.select(hostile, [], [], http_harness.PATIENCE)
            self.assertTrue(ready, f"{refused} were refused, and no more")
            for raw in ready:
                answer = read_all(raw)
                self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
                self.assertIn(b"too_many_bodies", answer)
                self.assertIn(b"\r\nRetry-After: 1\r\n", answer)
                hostile.remove(raw)
                raw.close()
                refused += 1
        for whole in (begun + b"x" * 100_000, get()):
            with socket.create_connection(server.where, http_harness.PATIENCE, ("127.0.0.2", 0)) as raw:
                raw.sendall(whole)
                self.assertEqual(200, read_answer(raw)[0])
        self.assertHealthy(server)
        for raw in hostile: # Whoever was let in may end its body.
            raw.sendall(b"x" * 100_000)
            self.assertEqual(200, read_answer(raw)[0])
            raw.close()
        with server.connect() as raw:
            raw.sendall(begun + b"x" * 100_000)
            self.assertEqual(200, read_answer(raw)[0])

    def test_a_handler_without_answer_ends_at_its_deadline(self):
        server = self.serve("handler=200")
        answer = exchange(server, get("/late"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"handler_timeout", answer)
        self.assertIn(b"\r\nRetry-After: 1\r\n", answer)
        http_harness.curl(f"http://{server.address}/release")
        self.assertEqual("too late", server.line())

    def test_an_answer_that_nobody_reads_is_cut(self):
        server = self.serve("write=300")
        with server.connect(receive_bytes=4096) as raw:
            raw.sendall(get("/bytes?n=20000000"))
            self.settle(server, open=0, cut=1)
        self.assertHealthy(server)

    def test_a_stream_that_nobody_reads_is_cut_and_its_maker_told(self):
        server = self.serve("write=300")
        with server.connect(receive_bytes=4096) as raw:
            raw.sendall(get("/stream?parts=1000000&bytes=10000"))
            self.assertEqual("stream gone", server.line())
            self.assertEqual(1, server.counts()["slow_readers"])
        self.assertLess(server.memory_bytes(), 60_000_000)
        self.assertHealthy(server)

    def test_a_part_larger_than_what_a_stream_keeps_is_sent_all_the_same(self):
        server = self.serve("write=2000")
        answer = exchange(server, get("/stream?parts=4&bytes=700000"))
        self.assertEqual(4 * 700_000, answer.partition(b"\r\n\r\n")[2].count(b"x"))
        self.assertTrue(answer.endswith(b"3\r\nEND\r\n0\r\n\r\n"))
        self.assertEqual(0, server.counts()["cut"])

    def test_a_slow_reader_of_a_stream_reads_the_last_word(self):
        server = self.serve()
        with server.connect(receive_bytes=4096) as raw:
            raw.sendall(get("/stream?impatient&parts=1000000&bytes=10000"))
            self.assertEqual("stream full", server.line())
            self.assertTrue(read_all(raw).endswith(b"4\r\nLAST\r\n0\r\n\r\n"))


class Leaving(http_harness.Case):
    def test_a_peer_that_ends_sending_gets_its_answer(self):
        server = self.serve()
        with server.connect() as raw:
            raw.sendall(get("/late"))
            raw.shutdown(socket.SHUT_WR)
            http_harness.curl(f"http://{server.address}/release")
            self.assertTrue(read_all(raw).endswith(b"late\n"))
        self.settle(server, open=0)

    def test_an_aborted_body_leaves_nothing(self):
        server = self.serve()
        for number, reset in enumerate((False, True), 1):
            with server.connect() as raw:
                raw.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
                self.settle(server, requests=number)
                if reset:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.settle(server, open=0, aborted=2)
        self.assertHealthy(server)

    def test_an_answer_to_who_has_left_harms_nobody(self):
        server = self.serve()
        raw = server.connect()
        raw.sendall(get("/late"))
        self.settle(server, requests=1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        http_harness.curl(f"http://{server.address}/release")
        self.assertEqual("answered", server.line())
        self.settle(server, open=0)
        self.assertHealthy(server)

    def test_who_makes_a_stream_hears_that_its_reader_left(self):
        server = self.serve()
        with server.connect() as raw:
            raw.sendall(get("/open-stream"))
            while b"first" not in raw.recv(1000):
                pass
        self.assertEqual("stream gone", server.line())
        self.settle(server, open=0)


class Crowds(http_harness.Case):
    def test_one_too_many_hears_why(self):
        server = self.serve("all=2", "per_address=2")
        kept = [server.connect() for _ in range(2)]
        for raw in kept:
            raw.sendall(get())
            self.assertEqual(200, read_answer(raw)[0])
        answer = exchange(server, get())
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"too many connections", answer)
        self.assertIn(b"\r\nRetry-After: 1\r\n", answer)
        kept.pop().close()
        # The place is free once the server has seen the end of it.
        while (status := self.status(server)) == 503:
            pass
        self.assertEqual(200, status)
        kept.pop().close()

    def status(self, server) -> int:
        with server.connect() as raw:
            raw.sendall(get(more="Connection: close\r\n"))
            return int(read_all(raw).split()[1])

    def test_some_files_are_left_to_others(self):
        server = self.serve("files_reserved=20", preexec=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (64, 64)))
        opened = [server.connect() for _ in range(60)]
        for raw in opened:
            raw.settimeout(0.0)
        for _ in range(2000):
            counts = server.counts()
            if counts["accepted"] + counts["refused"] == 60:
                break
        self.assertLess(counts["accepted"], 44)
        self.assertGreater(counts["refused"], 16)
        before = server.cpu_ticks()
        for raw in opened:
            raw.close()
        while server.counts()["open"] > 0:
            pass
        self.assertLess(server.cpu_ticks() - before, 100)
        self.assertHealthy(server)


if __name__ == "__main__":
    http_harness.main("curl")
