"""What whoever starts the programs leaves to them: the umask, the environment, descriptors, signals, readers, children."""

import contextlib
import json
import os
import pathlib
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIN, PATIENCE, System, SystemTest, new_id, text_of

# What a command needs to be found and nothing else: no HOME, no locale, no PATH.
NOTHING: dict[str, str] = {}


class Surroundings(SystemTest):
    def begin(self, program: str, *words: object, **more: object) -> subprocess.Popen:
        """A program in other surroundings. What it says on stderr is in a file, `said`, unless it is given."""
        if "stderr" not in more:
            more["stderr"] = self.enterContext(tempfile.TemporaryFile())
        child = subprocess.Popen([str((BIN / program).absolute()), *map(str, words)], stdin=subprocess.DEVNULL,
                                 **{"stdout": subprocess.DEVNULL, **more})
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def nodes(self, system: System, **more: object) -> tuple[subprocess.Popen, subprocess.Popen]:
        """A broker and a worker, which serve."""
        both = tuple(self.begin(program, system.file, "--node", node, "--log", "json", cwd=system.folder, **more)
                     for program, node in (("troupe-broker", "b1"), ("troupe-worker", "n1")))
        self.assert_serves(system)
        return both

    def up(self, system: System, **more: object) -> subprocess.Popen:
        """`troupe up`, whose system serves; the lines that it says are at its stdout."""
        made = self.begin("troupe", "up", system.file, "--json", stdout=subprocess.PIPE, text=True, **more)
        self.addCleanup(made.stdout.close)
        self.assert_serves(system)
        return made

    def assert_serves(self, system: System) -> None:
        self.assertTrue(system.client().call("notes", "add", {"text": "mine"}, ttl=10_000).ok)

    def one(self) -> System:
        return self.system({"notes": "{}"}, nodes=("n1",))

    def await_true(self, what: str, holds) -> None:
        until = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), until, what)

    def stop(self, *children: subprocess.Popen) -> None:
        for each in children:
            each.send_signal(signal.SIGTERM)
            self.assertEqual(0, each.wait(PATIENCE))

    def test_a_umask_that_hides_nothing_shows_others_nothing(self):
        system = self.one()
        up = self.up(system, umask=0)
        made = [each for folder in ("data", "log") for each in (system.folder / folder).rglob("*")]
        self.assertIn("notes.db", [each.name for each in made])
        self.assertIn("b1.log", [each.name for each in made])
        self.assertEqual({}, {each.name: stat.filemode(each.stat().st_mode) for each in made
                              if each.stat().st_mode & stat.S_IRWXO})
        self.stop(up)

    def test_nothing_is_needed_of_the_environment(self):
        system = self.one()
        self.stop(*reversed(self.nodes(system, env=NOTHING)))
        up = self.up(system, env=NOTHING)
        done = subprocess.run([str(BIN / "troupe"), "call", str(system.file), "notes.count"], env=NOTHING,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((0, {"count": 2}, ""), (done.returncode, json.loads(done.stdout), done.stderr))
        self.stop(up)

    def test_a_log_that_is_cut_off_goes_on_at_its_beginning(self):
        system = self.one()
        up = self.up(system)
        log = system.folder / "log" / "b1.log"
        self.assertGreater(log.stat().st_size, 0)
        pid = system.client().call("troupe.node.n1", "status").body["pid"]
        os.truncate(log, 0)
        os.kill(pid, signal.SIGKILL)  # Which its broker logs.
        self.await_true("the broker logs nothing more", lambda: b"worker_lost" in log.read_bytes())
        self.assertNotIn(b"\0", log.read_bytes())
        self.stop(up)

    def test_descriptors_that_are_closed_are_no_databases(self):
        def close_all() -> None:
            for each in range(3):
                os.close(each)

        nodes = self.nodes(self.one(), preexec_fn=close_all)
        for each in nodes:
            self.assertEqual(["/dev/null"] * 3, [os.readlink(f"/proc/{each.pid}/fd/{n}") for n in range(3)])
        self.stop(*reversed(nodes))

    def test_signals_that_come_more_than_once_are_one(self):
        slow = "{config: {provider: {simulated: {latency: 500ms, log: data/provider.log}}}}"
        system = self.system({"notes": "{}", "payments": slow}, nodes=("n1",))
        broker, worker = self.nodes(system)
        system.client().send("payments", "charge", {
            "order_id": text_of(new_id()), "card": "tok_1", "amount_cents": 100, "currency": "EUR"})
        # The effect threads are waited for: the worker stops for that long.
        self.await_true("the call is not in hand", lambda: any(
            each["name"] == "payments" and each["outstanding"] + each["awaiting"] > 0
            for each in system.status(system.client())["capabilities"]))
        for each in (worker, broker):
            self.stop_by_many(each)

    def stop_by_many(self, child: subprocess.Popen) -> None:
        """Sends SIGTERM again and again, until it has ended."""
        until = time.monotonic() + PATIENCE
        while child.poll() is None:
            self.assertLess(time.monotonic(), until)
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.02)
        self.assertEqual(0, child.returncode)

    def test_up_under_nohup_outlives_its_terminal(self):
        system = self.one()
        up = self.up(system, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        up.send_signal(signal.SIGHUP)
        pid = system.client().call("troupe.node.n1", "status").body["pid"]
        os.kill(pid, signal.SIGKILL)
        self.assertIn("restarted", (json.loads(line)["event"] for line in up.stdout))
        self.assert_serves(system)
        self.stop(up)

    def test_signals_of_log_rotation_end_nobody(self):
        system = self.one()
        up = self.up(system)
        children = pathlib.Path(f"/proc/{up.pid}/task/{up.pid}/children")
        before = children.read_text()
        for pid in (*map(int, before.split()), up.pid):
            for each in (signal.SIGUSR1, signal.SIGUSR2):
                os.kill(pid, each)
        self.assert_serves(system)
        self.assertEqual(2, len(before.split()))
        self.assertEqual(before, children.read_text())
        self.stop(up)

    def test_children_that_nodes_adopt_are_no_zombies(self):
        gate, opens = os.pipe()

        def leave_two_behind() -> None:
            if os.fork() == 0:
                os._exit(0)
            if os.fork() == 0:  # Ends when its node runs.
                os.dup2(gate, 0)
                os.closerange(1, 4096)
                os.read(0, 1)
                os._exit(0)

        nodes = self.nodes(self.one(), preexec_fn=leave_two_behind)
        children = [pathlib.Path(f"/proc/{each.pid}/task/{each.pid}/children") for each in nodes]
        self.assertEqual([1, 1], [len(each.read_text().split()) for each in children])
        os.close(gate)
        os.close(opens)
        self.await_true("a child that ended is still there",
                        lambda: not any(each.read_text().split() for each in children))
        self.stop(*reversed(nodes))

    def test_a_broker_whose_log_nobody_reads_any_more_goes_on(self):
        system = self.one()
        reader, writer = os.pipe()
        broker = self.begin("troupe-broker", system.file, "--node", "b1", stderr=writer, cwd=system.folder)
        os.close(writer)
        self.assertIn(b"listening", os.read(reader, 65_536))
        os.close(reader)
        worker = system.worker()  # Which it logs, to nobody.
        self.assert_serves(system)
        worker.kill()
        self.await_true("the broker does not see its worker go",
                        lambda: not any(each["live"] for each in system.status(system.client())["nodes"]))
        self.stop(broker)

    def test_tail_ends_with_whoever_reads_it(self):
        system = self.system({"witness": "{actor: witness, subscribes: [sight.*]}"}, nodes=("n1",))
        system.broker()
        client = system.client()
        tail = self.begin("troupe", "tail", system.file, "--from", "oldest", "--json", stdout=subprocess.PIPE)
        self.assertTrue(client.call("troupe.publish", "sight.seen", {"n": 1}, ttl=10_000).ok)
        self.assertIn(b"sight.seen", tail.stdout.readline())
        tail.stdout.close()
        self.assertTrue(client.call("troupe.publish", "sight.seen", {"n": 2}, ttl=10_000).ok)
        self.assertEqual(-signal.SIGPIPE, tail.wait(PATIENCE))

    def test_status_is_watched_until_ctrl_c(self):
        system = self.one()
        self.nodes(system)
        watch = self.begin("troupe", "status", system.file, "--watch", stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.stdout.close)
        impatient = threading.Timer(PATIENCE, watch.kill)
        impatient.start()
        self.addCleanup(impatient.cancel)
        for _ in range(2):
            self.assertTrue(any("test is healthy" in line for line in watch.stdout), "no round came")
        watch.send_signal(signal.SIGINT)
        self.assertEqual(0, watch.wait(PATIENCE))


if __name__ == "__main__":
    unittest.main()
