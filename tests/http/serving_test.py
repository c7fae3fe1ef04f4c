"""What a good peer sees: curl, pipelines, streams, drains, TLS."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile

import http_harness
from http_harness import PATIENCE, curl, exchange, get, read_all, read_answer


class Serving(http_harness.Case):
    def test_curl_posts_and_reads(self):
        server = self.serve()
        answer = curl("-i", "-d", "hello", f"http://{server.address}/a%20b?x=1")
        self.assertIn("HTTP/1.1 200 OK", answer.stdout)
        self.assertIn("segment a b\nparameter x=1\n", answer.stdout)
        self.assertTrue(answer.stdout.endswith("body 5 hello\n"))

    def test_curl_waits_for_100_and_sends_chunks(self):
        server = self.serve()
        answer = curl("-v", "-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked",
                      "--data-binary", "x" * 10_000, f"http://{server.address}/")
        self.assertIn("< HTTP/1.1 100 Continue", answer.stderr)
        self.assertIn("body 10000 xxx", answer.stdout)

    def test_100_is_not_said_to_what_is_refused(self):
        answer = exchange(self.serve(), b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                          b"Content-Length: 9999999\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)

    def test_head_is_answered_with_the_head_of_get(self):
        answer = curl("-I", f"http://{self.serve().address}/bytes?n=7")
        self.assertIn("Content-Length: 7", answer.stdout)

    def test_requests_sent_ahead_are_answered_in_order(self):
        server = self.serve()
        with server.connect() as raw:
            raw.sendall(b"".join(get(f"/{i}") for i in range(2000)) + get("/z", "Connection: close\r\n"))
            answers = read_all(raw)
        self.assertEqual([str(i) for i in range(2000)] + ["z"],
                         re.findall(r"\nGET /(\w+)\n", answers.decode()))
        self.assertEqual(2001, server.counts()["requests"])

    def test_an_answer_larger_than_what_the_system_takes_at_once_comes_whole(self):
        server = self.serve()
        with server.connect() as raw:
            raw.sendall(get("/bytes?n=20000000") + get("/z", "Connection: close\r\n"))
            _, _, first = read_answer(raw)
            self.assertEqual(b"x" * 20_000_000, first)
            self.assertIn(b"\nGET /z\n", read_all(raw))

    def test_a_connection_of_http_1_0_is_closed_unless_kept(self):
        server = self.serve()
        self.assertIn(b"Connection: close", exchange(server, b"GET / HTTP/1.0\r\n\r\n"))
        with server.connect() as raw:
            for _ in range(2):
                raw.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                self.assertIn(b"Connection: keep-alive", read_answer(raw)[1])

    def test_streams_end_well(self):
        server = self.serve()
        url = f"http://{server.address}/stream?parts=1000&bytes=100"
        self.assertEqual("x" * 100_000 + "END", curl(url).stdout)
        self.assertEqual("x" * 100_000 + "END", curl("--http1.0", url).stdout)
        self.assertEqual("", curl("-I", "-o", "/dev/null", url).stderr)
        with server.connect() as raw:  # No length is said that GET has not; the connection is kept.
            for _ in range(2):
                raw.sendall(b"HEAD /stream?parts=1&bytes=9 HTTP/1.1\r\nHost: a\r\n\r\n")
                _, head, _ = read_answer(raw)
                self.assertNotIn(b"content-length", head.lower())
                self.assertIn(b"text/event-stream", head)

    def test_a_handler_that_fails_is_answered_for(self):
        server = self.serve()
        self.assertIn("no_answer", curl(f"http://{server.address}/lost").stdout)
        self.assertIn("handler_failed", curl(f"http://{server.address}/throw").stdout)
        self.assertHealthy(server)

    def test_who_speaks_something_else_is_told(self):
        server = self.serve()
        self.assertIn(b"HTTP/1.1 505 ", exchange(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        answer = exchange(server, bytes.fromhex("16030100a5010000a10303"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "))
        self.assertIn(b"this port speaks plain HTTP", answer)

    def test_an_address_that_is_taken_or_none_is_refused_in_words(self):
        server = self.serve()
        for address, reason in ((server.address, "cannot listen on"), ("here", "no ADDRESS:PORT")):
            other = http_harness.Server(f"address={address}")
            self.assertIn("not started: ", other.address)
            self.assertIn(reason, other.address)
            other.close()


class Draining(http_harness.Case):
    def test_what_runs_is_finished_and_nothing_begun(self):
        server = self.serve("handler=500")
        with server.connect() as idle, server.connect() as busy:
            idle.sendall(get())
            self.assertEqual(200, read_answer(idle)[0])
            busy.sendall(get("/late"))
            while server.counts()["requests"] < 2:
                pass
            server.order("drain 20000")
            self.assertEqual(b"", read_all(idle))
            with self.assertRaises(ConnectionRefusedError):
                server.connect()
            self.assertTrue(read_all(busy).startswith(b"HTTP/1.1 503 "))
        self.assertEqual("drained", server.reply())

    def test_requests_that_were_sent_before_it_are_answered(self):
        server = self.serve("all=2000", "per_address=2000")
        with contextlib.ExitStack() as all_of_them:
            kept = [all_of_them.enter_context(server.connect()) for _ in range(400)]
            for raw in kept:
                raw.sendall(get())
                self.assertEqual(200, read_answer(raw)[0])
            server.process.send_signal(signal.SIGSTOP)
            fresh = [all_of_them.enter_context(server.connect()) for _ in range(50)]
            for raw in kept + fresh:
                raw.sendall(get())
            server.order("drain 20000")
            server.process.send_signal(signal.SIGCONT)
            for raw in kept + fresh:
                self.assertTrue(read_all(raw).startswith(b"HTTP/1.1 200 "))
        self.assertEqual("drained", server.reply())

    def test_the_last_answer_says_that_it_is_the_last(self):
        server = self.serve("handler=500")
        with server.connect() as busy:
            busy.sendall(get("/late") + get("/ahead"))
            while server.counts()["requests"] < 1:
                pass
            server.order("drain 20000")
            answers = read_all(busy)
        self.assertEqual(1, answers.count(b"HTTP/1.1 "))
        self.assertIn(b"Connection: close", answers)
        self.assertEqual("drained", server.reply())

    def test_what_takes_too_long_is_cut(self):
        server = self.serve()
        with server.connect() as busy:
            busy.sendall(get("/late"))
            while server.counts()["requests"] < 1:
                pass
            self.assertEqual("cut", server.say("drain 200"))
            self.assertEqual(b"", read_all(busy))


class Tls(http_harness.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.certificate = self.folder / "server.pem"
        self.key = self.folder / "server.key"
        self.make("one.example")

    def make(self, name: str, days: int = 2) -> None:
        """A certificate for `name` in place of what is there."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", str(days), "-subj", f"/CN={name}", "-addext",
             f"subjectAltName=DNS:{name}", "-keyout", str(self.key), "-out", str(self.certificate)],
            check=True, capture_output=True)
        self.key.chmod(0o600)

    def serve_tls(self, *more: str):
        return self.serve(f"certificate={self.certificate}", f"key={self.key}", *more)

    def s_client(self, server, *words: str, typed: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(["openssl", "s_client", "-connect", server.address, *words],
                              input=typed, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def curl_as(self, name: str, server, path: str = "/", *words: str):
        port = server.address.rpartition(":")[2]
        return curl("--cacert", str(self.certificate), "--resolve", f"{name}:{port}:127.0.0.1", *words,
                    f"https://{name}:{port}{path}")

    def test_curl_believes_the_certificate(self):
        server = self.serve_tls()
        answer = self.curl_as("one.example", server, "/", "-d", "x" * 100_000)
        self.assertIn("peer 127.0.0.1 tls\nbody 100000 ", answer.stdout, answer.stderr)
        self.assertEqual("x" * 500_000 + "END",
                         self.curl_as("one.example", server, "/stream?parts=50&bytes=10000").stdout)

    def test_old_versions_are_refused_and_http_1_1_is_chosen(self):
        server = self.serve_tls()
        for version, works in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)):
            words = (version,) if works else (version, "-cipher", "DEFAULT@SECLEVEL=0")
            self.assertEqual(works, self.s_client(server, *words).returncode == 0, version)
        self.assertIn("ALPN protocol: http/1.1", self.s_client(server, "-alpn", "h2,http/1.1").stdout)
        self.assertNotEqual(0, self.s_client(server, "-alpn", "h2").returncode)
        self.assertNotEqual(0, self.s_client(server, "-tls1_2", "-cipher", "AES128-SHA").returncode)

    def test_a_client_cannot_ask_for_handshake_after_handshake(self):
        server = self.serve_tls()
        asked = self.s_client(server, "-tls1_2", typed="R\n")
        self.assertIn("RENEGOTIATING", asked.stdout + asked.stderr)
        self.assertIn("no renegotiation", asked.stderr)
        self.assertIn("HTTP/1.1 200", self.curl_as("one.example", server, "/", "-i").stdout)

    def test_a_new_certificate_is_for_new_connections(self):
        server = self.serve_tls()
        trust = ssl.create_default_context(cafile=str(self.certificate))
        with socket.create_connection(server.where, PATIENCE) as raw, \
                trust.wrap_socket(raw, server_hostname="one.example") as old:
            self.make("two.example")
            self.assertEqual("reloaded", server.say("reload"))
            self.assertIn("HTTP/1.1 200", self.curl_as("two.example", server, "/", "-i").stdout)
            old.sendall(get())
            self.assertEqual(b"HTTP/1.1 200", old.recv(12))

    def test_a_bad_new_certificate_leaves_the_old_one(self):
        server = self.serve_tls()
        good = {path: path.read_bytes() for path in (self.certificate, self.key)}
        self.make("two.example")
        other_key = self.key.read_bytes()

        def damage(path, data, mode=0o600):
            for each, content in good.items():
                each.write_bytes(content)
            path.write_bytes(data)
            self.key.chmod(mode)
            said = server.say("reload")
            for each, content in good.items():
                each.write_bytes(content)
            self.key.chmod(0o600)
            self.assertIn("HTTP/1.1 200", self.curl_as("one.example", server, "/", "-i").stdout)
            return said

        self.assertRegex(damage(self.certificate, b"nonsense"), "not reloaded: .*server.pem")
        self.assertRegex(damage(self.key, b""), "not reloaded: .*server.key")
        self.assertRegex(damage(self.key, other_key), "not reloaded: .*server.key.*mismatch")
        self.assertRegex(damage(self.key, good[self.key], 0o644), "not reloaded: .*everybody")
        for path in good:  # Nobody waits for whoever writes into a pipe.
            path.unlink()
            os.mkfifo(path, 0o600)
            self.assertRegex(server.say("reload"), f"not reloaded: .*{path.name}.* no file")
            path.unlink()
            for each, content in good.items():
                each.write_bytes(content)
            self.key.chmod(0o600)
        self.key.unlink()
        self.assertRegex(server.say("reload"), "not reloaded: .*No such file")

    def test_a_server_without_a_certificate_does_not_start(self):
        self.key.write_bytes(b"")
        server = self.serve_tls()
        self.assertRegex(server.address, "not started: .*server.key")

    def test_plain_http_is_told_to_use_tls(self):
        answer = exchange(self.serve_tls(), get())
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"use https://", answer)

    def test_a_handshake_that_stops_ends_at_its_deadline(self):
        server = self.serve_tls("head=200")
        with server.connect() as silent, server.connect() as half:
            half.sendall(bytes.fromhex("16030100a5010000a10303"))
            self.assertEqual(b"", read_all(silent))
            self.assertEqual(b"", read_all(half))
        self.assertEqual(2, server.counts()["handshakes_failed"])

    def test_idle_connections_are_closed_in_order_when_drained(self):
        server = self.serve_tls()
        trust = ssl.create_default_context(cafile=str(self.certificate))
        with socket.create_connection(server.where, PATIENCE) as raw, \
                trust.wrap_socket(raw, server_hostname="one.example") as idle:
            idle.sendall(get())
            idle.recv(65536)
            server.order("drain 20000")
            self.assertEqual(b"", idle.recv(1))  # A close_notify, or Python would raise.
        self.assertEqual("drained", server.reply())


if __name__ == "__main__":
    http_harness.main("curl", "openssl")
