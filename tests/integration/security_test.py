"""Links with keys: who gets in, who does not, what is said to whom, and how keys are replaced."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import time
import unittest

import msgpack
import zmq

from harness import PATIENCE, Client, Load, SystemTest, new_id
from secured_systems import KeyedClient, SecuredSystem, keys_in, troupe

# The examples of the ZeroMQ manual (zmq_curve): secret and public key of its server.
EXAMPLE_SECRET = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
EXAMPLE_PUBLIC = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
REFUSED = 69
# Enough for a handshake and an answer on this machine.
A_MOMENT = 0.5


def hello(node: str, role: str = "worker") -> tuple[bytes, bytes]:
    return msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(
        {"role": role, "node": node, "incarnation": new_id(), "plan": 0, "batch": True, "pid": 1,
         "serves": [], "in_flight": []})


class SecurityTest(SystemTest):
    def secured(self, *words: object, **more: object) -> SecuredSystem:
        made = SecuredSystem(*words, **more)
        self.addCleanup(made.close)
        return made

    def assert_silent(self, client: Client) -> None:
        """Nobody answers it."""
        client.send("echo", "echo", {"payload": "x"})
        self.assertIsNone(client.receive(A_MOMENT))

    def assert_answered(self, client: Client) -> None:
        self.assertTrue(client.call("echo", "echo", {"payload": "x"}).ok)


class WhyNot(SecurityTest):
    def test_commands_name_the_reason_of_a_broker_that_lets_them_not_in(self):
        system = self.secured()
        system.broker()
        system.worker("n1")
        other = system.folder / "other"
        other.mkdir()
        file = other / system.file.name
        file.write_text(system.file.read_text())
        self.assertEqual(0, troupe("keys", "new", file).returncode)

        for words in (("status", file), ("call", file, "echo.echo", "{}"), ("topics", file)):
            told = troupe(*words, "--deadline", "2s")
            said = " ".join((told.stdout + told.stderr).split())
            with self.subTest(words):
                self.assertIn("the broker's key is another one than expected", said)
                self.assertNotIn("no broker answers", said)
                self.assertNotIn("`troupe up", said)
        self.assertIn("cannot be asked", troupe("status", file, "--deadline", "2s").stdout)


    def test_a_host_without_the_operators_key_does_not_call_a_system_down(self):
        system = self.secured()
        system.broker()
        (system.keys / "operator.key").rename(system.keys / "elsewhere")
        for words in (("status",), ("top",), ("topics",)):
            told = troupe(*words, system.file)
            said = " ".join((told.stdout + told.stderr).split())
            with self.subTest(words):
                self.assertEqual(4, told.returncode)
                self.assertIn("operator.key", said)
                self.assertIn("TROUPE_AS", said)
                for wrong in ("unreachable", "does not answer", "`troupe up"):
                    self.assertNotIn(wrong, said)
        told = troupe("status", system.file, "--json")
        self.assertEqual("no_own_key", json.loads(told.stdout)["error"]["details"]["reason"])
        self.assertEqual(2, troupe("status", system.file, "--exit-code").returncode)


class WhoGetsIn(SecurityTest):
    """Probes P1 to P3: one system serves all while each tries."""

    def setUp(self):
        self.system = self.secured()
        self.broker = self.system.broker()
        self.system.worker("n1")
        self.system.worker("n2")

    def test_keys_and_clients_on_loopback_get_in(self):
        self.assert_answered(self.system.keyed("operator"))
        # A node may do what its capabilities may, and they call nobody.
        self.assert_code("forbidden", self.system.keyed("n1").call("echo", "echo", {"payload": "x"}))
        self.assert_answered(self.system.client())
        self.assertEqual(0, self.system.status(self.system.client())["counters"]["keys_refused"])

    def test_strangers_do_not_get_in(self):
        with self.good_client_at_open():
            random = self.system.keyed("", pair=zmq.curve_keypair())
            random.await_event(zmq.Event.HANDSHAKE_FAILED_AUTH)
            self.assert_silent(random)
            example = self.system.keyed(
                "", pair=(EXAMPLE_PUBLIC.encode(), EXAMPLE_SECRET.encode()))
            example.await_event(zmq.Event.HANDSHAKE_FAILED_AUTH)
            # Whoever has a key of somebody else without the secret that belongs to it.
            borrowed = (keys_in(self.system.keys / "n1.pub")[0], zmq.curve_keypair()[1])
            thief = self.system.keyed("", pair=borrowed)
            self.assert_silent(thief)
        told = self.broker.wait_for("access_refused")
        self.assertIn("nobody here has the key", told["why"])
        self.assertEqual(("anonymous", "connect", "security.keys", "127.0.0.1", "1"), tuple(
            told[key] for key in ("who", "act", "rule", "from", "refused")))
        counters = self.system.status(self.system.client())["counters"]
        self.assertGreaterEqual(counters["keys_refused"], 2)

    def test_no_key_no_entry(self):
        with self.good_client_at_open():
            plain = Client(self.system.context, self.system.endpoints["b1"])
            self.addCleanup(plain.close)
            self.assert_silent(plain)
            with_password = self.system.context.socket(zmq.DEALER)
            self.addCleanup(with_password.close, 0)
            with_password.plain_username = with_password.plain_password = b"n1"
            with_password.connect(self.system.endpoints["b1"])
            with_password.send_multipart(hello("n1"))
            self.assertEqual(0, with_password.poll(int(A_MOMENT * 1000)))

    def test_nobody_is_somebody_else(self):
        with self.good_client_at_open():
            first = self.system.keyed("n1")
            for role, node in (("worker", "n2"), ("client", "n2"), ("worker", "nobody"),
                               ("client", "b1"), ("client", "troupe-status")):
                with self.subTest(role=role, node=node):
                    first.send_raw(*hello(node, role))
                    reply = first.receive()
                    self.assert_code("forbidden", reply)
                    self.assertIn("has the key of `n1`", reply.error["message"])
            told = self.broker.wait_for("access_refused", act="login")
            self.assertEqual(("n1", "worker n2", "security.keys", "1"), tuple(
                told[key] for key in ("who", "what", "rule", "refused")))
            # Whatever a peer calls itself, the line is one, and says who it is.
            forged = 'x"}\n{"event":"access_refused","who":"operator'
            for _ in range(200):
                first.send_raw(*hello(forged[:64], "client"))
                self.assert_code("forbidden", first.receive())
            self.assertEqual([], self.broker.find("access_refused", who="operator"))
            self.assertLess(len(self.broker.find("access_refused")), 30)
            counters = self.system.status(self.system.client())["counters"]
            self.assertEqual(205, counters["logins_refused"])
            self.assertEqual([], self.broker.find("login_refused"))
            first.send_raw(b"broker", *hello("n2"))
            self.assert_code("invalid", first.receive())
            named = self.system.keyed("n1", routing_id=b"n2")
            named.send_raw(*hello("n2"))  # Its name is taken off, and it is who its key says.
            self.assert_code("forbidden", named.receive())
        self.assertEqual([], self.broker.find("worker_lost"))
        nodes = self.system.status(self.system.client())["nodes"]
        self.assertEqual({"n1", "n2"}, {each["name"] for each in nodes if each["live"]})

    def test_without_a_key_nobody_is_a_worker(self):
        plain = self.system.client()
        plain.send_raw(*hello("n1"))
        self.assert_code("unauthenticated", plain.receive())
        plain.send_raw(*hello("some client", "client"))
        self.assertIsNone(plain.receive(A_MOMENT).error)

    def test_the_command_uses_keys(self):
        body = json.dumps({"payload": "x"})
        said = troupe("call", self.system.file, "echo.echo", body)
        self.assertEqual(0, said.returncode, said.stderr)
        self.assertEqual(0, troupe("status", self.system.file).returncode)
        self.assertEqual(0, troupe("call", self.system.open, "echo.echo", body).returncode)
        new = troupe("keys", "new", self.system.file, "--for", "anna")
        self.assertIn("made       anna (client)", new.stdout)
        self.broker.signal(signal.SIGHUP)
        self.broker.wait_for("keys.read")
        said = troupe("call", self.system.file, "echo.echo", body,
                      env={**os.environ, "TROUPE_AS": "anna"})
        self.assertEqual(0, said.returncode, said.stderr)
        self.assertEqual([], self.broker.find("key_replaced"))

    def test_the_command_says_what_is_wrong_with_keys(self):
        body = json.dumps({"payload": "x"})
        nobody = troupe("call", self.system.file, "echo.echo", body,
                        env={**os.environ, "TROUPE_AS": "anna"})
        self.assertNotEqual(0, nobody.returncode)
        self.assertIn("anna.key", nobody.stderr)
        self.assertIn("troupe keys new", nobody.stderr)
        plain = troupe("call", self.system.endpoints["b1"], "echo.echo", body,
                       "--deadline", "3s")
        self.assertIn("takes nobody without a key", plain.stderr)
        elsewhere = self.system.copy_elsewhere("elsewhere")
        stranger = troupe("keys", "new", elsewhere, "--for", "anna")
        self.assertEqual(0, stranger.returncode)
        unknown = troupe("call", elsewhere, "echo.echo", body, "--deadline", "3s",
                         env={**os.environ, "TROUPE_AS": "anna"})
        self.assertIn("the broker refused the key", unknown.stderr)

    @contextlib.contextmanager
    def good_client_at_open(self):
        """Someone whose calls must all succeed, whatever is done meanwhile."""
        with open_load(self, self.system):
            yield


@contextlib.contextmanager
def open_load(test: SecurityTest, system: SecuredSystem, **more: object):
    endpoints = system.endpoints
    system.endpoints = {"b1": system.open}
    load = Load(system, **more)
    system.endpoints = endpoints
    load.start()
    try:
        load.await_answers(1)
        yield load
        load.await_answers(20)
    finally:
        errors = load.finish()
    test.assertEqual([], load.lost, "calls of the good client without any answer")
    test.assertEqual([], errors, "calls of the good client that failed")


class Secrets(SecurityTest):
    """Probe P15, of the keys: they are nowhere but in their files."""

    def test_secrets_are_in_no_log_argument_or_environment(self):
        system = self.secured()
        broker = system.broker()
        worker = system.worker("n1")
        stranger = system.keyed("", pair=zmq.curve_keypair())
        stranger.await_event(zmq.Event.HANDSHAKE_FAILED_AUTH)
        broker.signal(signal.SIGHUP)
        broker.wait_for("keys.read")
        files = sorted(system.keys.glob("*.key"))
        self.assertEqual(["b1.key", "n1.key", "n2.key", "operator.key"], [f.name for f in files])
        said = troupe("keys", "list", system.file)
        told = [said.stdout + said.stderr]
        for process in (broker, worker):
            told.append("\n".join(process.lines))
            for name in ("cmdline", "environ"):
                told.append(pathlib.Path(f"/proc/{process.pid}/{name}").read_text())
        for file in files:
            self.assertEqual(0o600, file.stat().st_mode & 0o7777, file)
            secret = keys_in(file)[0].decode()
            for text in told:
                self.assertNotIn(secret, text)
                self.assertNotIn(secret[:20], text)

    def test_no_core_file_is_left_and_no_right_is_gained(self):
        system = self.secured()
        for process in (system.broker(may_leave_cores=True), system.worker("n1", may_leave_cores=True)):
            most, allowed = resource.prlimit(process.pid, resource.RLIMIT_CORE)
            self.assertIn(most, (0, 1))  # RLIM_INFINITY is -1.
            self.assertIn(allowed, (0, 1))
            said = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            self.assertRegex(said, r"(?m)^NoNewPrivs:\s+1$")

    def test_who_cannot_keep_a_secret_does_not_start(self):
        system = self.secured()
        key = system.keys / "b1.key"
        kept = key.read_bytes()

        def refused(program: str = "troupe-broker", node: str = "b1",
                    event: str = "not_listening") -> str:
            process = system.run(program, node)
            self.assertEqual(REFUSED, process.await_end())
            return process.find(event)[0]["reason"]

        key.chmod(0o640)
        self.assertIn("chmod 600", refused())
        key.chmod(0o600)
        key.write_text(EXAMPLE_SECRET + "\n")
        self.assertIn("example key", refused())
        key.write_bytes(kept)
        (system.keys / "n2.pub").write_text(EXAMPLE_PUBLIC + "\n")
        self.assertIn("example key", refused())
        self.assertIn("example key", refused("troupe-worker", "n1", "worker.not_started"))
        (system.keys / "n2.pub").unlink()
        system.keys.chmod(0o777)
        self.assertIn("chmod go-w", refused())
        system.keys.chmod(0o700)
        key.unlink()
        self.assertIn("troupe keys new", refused())
        key.write_bytes(kept)
        key.chmod(0o600)
        self.assertEqual(0, self.stop(system.broker()))

    @staticmethod
    def stop(process) -> int:
        process.signal(signal.SIGTERM)
        return process.await_end()

    def test_a_worker_that_expects_another_broker_says_so(self):
        system = self.secured()
        system.broker()
        elsewhere = system.copy_elsewhere("elsewhere")
        (elsewhere.parent / "keys" / "b1.pub").write_bytes(zmq.curve_keypair()[0] + b"\n")
        worker = system.run("troupe-worker", "n1", file=elsewhere)
        told = worker.wait_for("broker.refused")
        self.assertIn("the broker's key is another one than expected", told["reason"])
        self.assertEqual(REFUSED, worker.await_end())


class Crowds(SecurityTest):
    """Probes P4 and P5 at the port of links with keys."""

    def test_whoever_says_nothing_or_little_is_closed_and_hurts_nobody(self):
        system = self.secured()
        system.broker()
        system.worker("n1")
        host, port = system.endpoints["b1"].removeprefix("tcp://").split(":")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(2_000, hard - 500)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
        with open_load(self, system) as load, contextlib.ExitStack() as stack:
            silent = []
            for _ in range(count):
                one = socket.create_connection((host, int(port)), timeout=PATIENCE)
                stack.callback(one.close)
                silent.append(one)
            greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(60)
            slow = silent[:20]
            began = time.monotonic()
            closed = 0
            for byte in greeting[:8]:  # A byte each half a second.
                for one in slow:
                    with contextlib.suppress(OSError):
                        one.send(bytes([byte]))
                load.await_answers(5)
                slow[0].settimeout(0.5)
                with contextlib.suppress(OSError):
                    while slow[0].recv(64):
                        pass
            for one in silent:
                one.settimeout(PATIENCE)
                with contextlib.suppress(ConnectionError):
                    while one.recv(4_096):
                        pass
                closed += 1
            self.assertEqual(count, closed)
            self.assertLess(time.monotonic() - began, 2 * PATIENCE)

    def test_nonsense_over_a_link_with_a_key_is_refused_and_costs_no_memory(self):
        system = self.secured()
        broker = system.broker()
        system.worker("n1")
        hostile = system.keyed("n2")

        def resident() -> int:
            pages = int(pathlib.Path(f"/proc/{broker.pid}/statm").read_text().split()[1])
            return pages * resource.getpagesize()

        with open_load(self, system):
            before = resident()
            bombs = (b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff" * 21_845, b"\x91" * 100_000,
                     b"\xdb\x40\x00\x00\x00x", b"", b"\xff")
            for bomb in bombs:
                for frames in ((bomb, b""), (hello("n2")[0], bomb), (bomb,)):
                    hostile.send_raw(*frames)
                    self.assertIsNotNone(hostile.receive().code, bomb[:8])
            self.assertLess(resident() - before, 16 << 20)
        counters = system.status(system.client())["counters"]
        self.assertGreaterEqual(counters["malformed"], len(bombs))


class Rotation(SecurityTest):
    """Every key is replaced while calls are under way: none of them fails, nothing is started anew."""

    def test_all_keys_are_replaced_under_load(self):
        system = self.secured()
        processes = [system.worker(each, joined=False) for each in ("n1", "n2")]
        processes.append(system.broker())
        for each in processes[:2]:
            each.wait_for("broker.joined")
        broker = processes[-1]
        with open_load(self, system) as load:
            for turn in (1, 2):
                self.assertIn("replaced", self.told("rotate", system))
                self.assertIn("not finished", troupe("keys", "rotate", system.file).stderr)
                for each in processes:
                    each.signal(signal.SIGHUP)
                    each.wait_for("keys.read", count=2 * turn - 1)
                broker.wait_for("key_replaced", count=turn)
                load.await_answers(50)
                self.assertEqual(turn, len(processes[0].find("broker.joined")))
                # Both keys of each are valid, until this.
                self.assertIn("finished", self.told("rotate", system, "--finish"))
                for each in processes:
                    each.signal(signal.SIGHUP)
                    each.wait_for("keys.read", count=2 * turn)
                # Links with the old keys of nodes end, and are made anew with the new ones.
                for each in processes[:2]:
                    each.wait_for("broker.joined", count=turn + 1)
                load.await_answers(50)
        self.assertEqual(2, len(broker.find("key_replaced")))
        self.assertEqual([None] * 3, [each.child.poll() for each in processes])
        said = troupe("call", system.file, "echo.echo", json.dumps({"payload": "x"}))
        self.assertEqual(0, said.returncode, said.stderr)

    def test_a_new_key_of_the_broker_fails_no_call(self):
        system = self.secured(is_open=False)
        broker = system.broker()
        worker = system.worker("n1")
        with self.keyed_load(system) as load:
            for turn in (1, 2, 3):
                self.told("rotate", system, "--for", "b1")
                self.reread(broker, 2 * turn - 1)
                broker.wait_for("key_replaced", count=turn)
                load.await_answers(50)
                # Whoever connects from now on meets the new key.
                new = system.keyed("operator", broker_key=keys_in(system.keys / "b1.pub")[0])
                self.assert_answered(new)
                old = system.keyed("operator", broker_key=keys_in(system.keys / "b1.pub")[1])
                self.assert_silent(old)
                self.told("rotate", system, "--for", "b1", "--finish")
                self.reread(broker, 2 * turn)
                load.await_answers(50)
                self.assert_answered(new)
        self.assertEqual(1, len(worker.find("broker.joined")))
        self.assertEqual([], broker.find("worker_lost"))
        self.assertEqual([], broker.find("links_ended"))

    @contextlib.contextmanager
    def keyed_load(self, system: SecuredSystem):
        """A good client that has a key and says no HELLO: it does not ask twice."""
        load = Load(system)
        load._client.close()
        load._client = KeyedClient(system, "operator", "b1")
        load.start()
        try:
            load.await_answers(1)
            yield load
        finally:
            errors = load.finish()
        self.assertEqual([], load.lost)
        self.assertEqual([], errors)

    def test_links_of_a_revoked_key_end(self):
        system = self.secured()
        broker = system.broker()
        worker = system.worker("n2")
        self.assertEqual(0, troupe("keys", "new", system.file, "--for", "anna").returncode)
        self.reread(broker, 1)
        anna, operator = system.keyed("anna"), system.keyed("operator")
        for each in (anna, operator):
            self.assertTrue(each.call("troupe.broker", "status").ok)
        silent = system.keyed("anna")  # Nothing has been heard of this one.
        silent.await_event(zmq.Event.HANDSHAKE_SUCCEEDED)
        for name in ("anna", "n2"):
            (system.keys / f"{name}.pub").unlink()
        self.reread(broker, 2)
        anna.await_event(zmq.Event.DISCONNECTED)
        anna.await_event(zmq.Event.HANDSHAKE_FAILED_AUTH)
        silent.send("troupe.broker", "status")
        silent.await_event(zmq.Event.DISCONNECTED)
        told = broker.wait_for("links_ended")
        self.assertEqual(("anna, n2", "2"), (told["of"], told["links"]))
        broker.wait_for("worker_lost")
        refused = worker.wait_for("broker.refused")
        self.assertIn("the broker refused the key", refused["reason"])
        status = self.system_status(operator)
        self.assertEqual([], [each for each in status["nodes"] if each["live"]])
        self.assertEqual(1, len(broker.find("links_ended")))

    @staticmethod
    def system_status(client: Client) -> dict:
        reply = client.call("troupe.broker", "status")
        assert reply.ok, reply.error
        return reply.body

    def test_an_old_key_of_a_node_is_valid_until_the_end_and_no_longer(self):
        system = self.secured()
        broker = system.broker()
        old = (keys_in(system.keys / "n1.pub")[0], keys_in(system.keys / "n1.key")[0])
        self.told("rotate", system, "--for", "n1")
        self.reread(broker, 1)
        system.keyed("n1", pair=old).await_event(zmq.Event.HANDSHAKE_SUCCEEDED)
        system.keyed("n1").await_event(zmq.Event.HANDSHAKE_SUCCEEDED)
        self.told("rotate", system, "--for", "n1", "--finish")
        self.reread(broker, 2)
        system.keyed("n1", pair=old).await_event(zmq.Event.HANDSHAKE_FAILED_AUTH)
        system.keyed("n1").await_event(zmq.Event.HANDSHAKE_SUCCEEDED)

    def test_keys_that_cannot_be_read_are_not_taken(self):
        system = self.secured()
        broker = system.broker()
        (system.keys / "n1.pub").write_text("nonsense\n")
        broker.signal(signal.SIGHUP)
        self.assertIn("no key in line 1", broker.wait_for("keys.kept")["reason"])
        system.keyed("operator").await_event(zmq.Event.HANDSHAKE_SUCCEEDED)

    def told(self, word: str, system: SecuredSystem, *more: str) -> str:
        done = troupe("keys", word, system.file, *more)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    @staticmethod
    def reread(broker, count: int) -> None:
        broker.signal(signal.SIGHUP)
        broker.wait_for("keys.read", count=count)


class KeysCommand(SecurityTest):
    def test_it_makes_what_is_missing_and_keeps_what_is_there(self):
        system = self.secured(is_open=False)
        before = {each.name: each.read_bytes() for each in system.keys.iterdir()}
        self.assertEqual({f"{name}.{kind}" for name in ("b1", "n1", "n2", "operator")
                          for kind in ("key", "pub")}, set(before))
        (system.keys / "n1.key").unlink()
        (system.keys / "n2.pub").unlink()
        done = troupe("keys", "new", system.file, "--json")
        did = {each["name"]: each["did"] for each in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(
            {"b1": "kept", "n1": "elsewhere", "n2": "made", "operator": "kept"}, did)
        after = {each.name: each.read_bytes() for each in system.keys.iterdir()}
        self.assertEqual({k: v for k, v in before.items() if k != "n1.key"}, after)

    def test_it_lists_keys_and_what_is_wrong_with_them(self):
        system = self.secured(is_open=False)
        (system.keys / "n1.key").unlink()
        (system.keys / "n2.key").chmod(0o644)
        rows = map(json.loads, troupe("keys", "list", system.file, "--json").stdout.splitlines())
        state = {each["name"]: each["secret"] for each in rows}
        self.assertEqual("here", state["b1"])
        self.assertEqual("elsewhere", state["n1"])
        self.assertIn("chmod 600", state["n2"])

    @unittest.skipIf(os.geteuid() != 0, "only root can act as another")
    def test_what_root_makes_and_replaces_belongs_to_the_owner_of_the_folder(self):
        system = self.secured(is_open=False)
        user = 65534
        system.folder.chmod(0o755)
        for each in (system.keys, *system.keys.iterdir()):
            os.chown(each, user, user)
        for words in (("new", system.file, "--for", "anna"), ("rotate", system.file),
                      ("rotate", system.file, "--finish")):
            done = troupe("keys", *words)
            self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual({user}, {each.stat().st_uid for each in system.keys.iterdir()})
        self.assertIn("anna.key", {each.name for each in system.keys.iterdir()})

    def test_a_topology_without_security_has_no_keys(self):
        system = self.system()
        done = troupe("keys", "new", system.file)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("has no `security`", done.stderr)
        self.assertFalse((system.folder / "keys").exists())


if __name__ == "__main__":
    unittest.main()
