"""`troupe top` on a terminal of its own: drawn, resized, left and stopped; and without a terminal."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import BIN, PATIENCE, SystemTest

CAPABILITIES = {"echo": "{actor: echo, replicas: 2, store: none}", "notes": "{actor: notes, replicas: 2}"}
LEFT = "\x1b[?1049l"


class Screen:
    """The terminal of `troupe top`: what stands on it after what was written so far."""

    def __init__(self, file: object, columns: int = 100, rows: int = 30, **environment: str):
        self.own, self._other = pty.openpty()
        self.before = termios.tcgetattr(self._other)
        self.size = (rows, columns)
        self._set_size()
        self.child = subprocess.Popen(
            [str(BIN / "troupe"), "top", str(file)], stdin=self._other, stdout=self._other, stderr=self._other,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm", **environment})
        self.written = ""

    def _set_size(self) -> None:
        fcntl.ioctl(self.own, termios.TIOCSWINSZ, struct.pack("HHHH", *self.size, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self.size = (rows, columns)
        self.written = ""
        self._set_size()  # The kernel sends SIGWINCH.

    def read(self, left: float) -> bool:
        if left <= 0 or not select.select([self.own], [], [], left)[0]:
            return False
        with contextlib.suppress(OSError):
            self.written += os.read(self.own, 65536).decode(errors="replace")
        return True

    def frame(self) -> list[str]:
        """The last whole picture."""
        whole = self.written.rsplit("\x1b[J", 1)[0].rsplit("\x1b[H", 1)[-1]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", whole).split("\r\n")

    def wait_for(self, pattern: str) -> list[str]:
        until = time.monotonic() + PATIENCE
        while not any(re.search(pattern, each) for each in self.frame()):
            if not self.read(until - time.monotonic()):
                raise AssertionError(f"no {pattern} in\n" + "\n".join(self.frame()))
        return self.frame()

    def wait_until_written(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.written:
            if not self.read(until - time.monotonic()):
                raise AssertionError(f"no {text!r} in {self.written[-500:]!r}")

    def wait_until_it_fits(self) -> None:
        """What was on its way when the size changed may come first."""
        rows, columns = self.size
        until = time.monotonic() + PATIENCE
        while not (self.frame()[0].startswith("test is") and len(self.frame()) == rows
                   and max(map(len, self.frame())) <= columns):
            if not self.read(until - time.monotonic()):
                raise AssertionError(f"not {self.size}:\n" + "\n".join(self.frame()))

    def press(self, keys: bytes) -> None:
        os.write(self.own, keys)

    def mode(self) -> list:
        return termios.tcgetattr(self._other)

    def end(self) -> int:
        until = time.monotonic() + PATIENCE
        while self.child.poll() is None:
            if time.monotonic() > until:
                raise AssertionError("it does not end")
            self.read(0.05)
        while self.read(0.01) and LEFT not in self.written:
            pass
        return self.child.returncode

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.own)
        os.close(self._other)


class Top(SystemTest):
    def start(self) -> None:
        self.shop = self.system(CAPABILITIES, nodes=("n1",))
        self.broker = self.shop.broker()
        self.worker = self.shop.worker("n1")

    def screen(self, **more: object) -> Screen:
        made = Screen(self.shop.file, **more)
        self.addCleanup(made.close)
        return made

    def test_it_is_live_and_says_what_goes_wrong(self):
        self.start()
        screen = self.screen()
        screen.wait_for("test is healthy")
        frame = screen.wait_for(r"echo +ok 1/1.* ok ")
        self.assertIn("q ends it", frame[-1])
        self.assertEqual(30, len(frame))
        self.worker.kill()
        frame = screen.wait_for("node n1 is away")
        self.assertRegex(frame[0], "test is degraded")
        screen.wait_for(r"echo +down 0/1.* away")
        self.broker.kill()
        screen.wait_for("test is unreachable")
        screen.wait_for("no broker answers since")
        self.shop.broker()
        self.shop.worker("n1")
        screen.wait_for("a broker answers again since")
        screen.wait_for("test is healthy")

    def test_it_follows_the_size_of_the_terminal(self):
        self.start()
        screen = self.screen(columns=160)
        screen.wait_for("in hand")
        for columns, rows in ((80, 24), (40, 12), (26, 5), (120, 40)):
            with self.subTest(columns=columns, rows=rows):
                screen.resize(columns, rows)
                screen.wait_until_it_fits()

    def test_q_and_signals_give_the_terminal_back(self):
        self.start()
        for name, leave in (("q", lambda screen: screen.press(b"q")), ("Ctrl-C", lambda screen: screen.press(b"\x03")),
                            ("SIGTERM", lambda screen: screen.child.send_signal(signal.SIGTERM)),
                            ("SIGQUIT", lambda screen: screen.press(b"\x1c"))):
            with self.subTest(name):
                screen = self.screen()
                screen.wait_for("test is healthy")
                self.assertNotEqual(screen.before[3], screen.mode()[3])
                leave(screen)
                self.assertEqual(0, screen.end())
                self.assertEqual(screen.before, screen.mode())
                self.assertTrue(screen.written.endswith(f"\x1b[?7h\x1b[?25h{LEFT}"), screen.written[-80:])

    def test_it_can_be_stopped_and_continued(self):
        self.start()
        screen = self.screen()
        screen.wait_for("test is healthy")
        screen.press(b"\x1a")
        until = time.monotonic() + PATIENCE
        while not os.waitid(os.P_PID, screen.child.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG):
            self.assertLess(time.monotonic(), until, "it is not stopped")
            screen.read(0.05)  # Nobody can write to a terminal that nobody reads.
        screen.wait_until_written(LEFT)
        self.assertEqual(screen.before, screen.mode())
        screen.written = ""
        screen.child.send_signal(signal.SIGCONT)
        screen.wait_for("test is healthy")
        self.assertNotEqual(screen.before[3], screen.mode()[3])
        screen.press(b"q")
        self.assertEqual(0, screen.end())

    def test_a_terminal_that_goes_away_ends_it(self):
        self.start()
        screen = self.screen()
        screen.wait_for("test is healthy")
        os.close(screen.own)
        os.close(screen._other)
        self.assertEqual(0, screen.child.wait(PATIENCE))
        screen.own, screen._other = os.pipe()  # For `close`.

    def test_without_colours_it_says_the_same(self):
        self.start()
        screen = self.screen(NO_COLOR="1")
        screen.wait_for("test is healthy")
        self.assertNotRegex(screen.written, r"\x1b\[[0-9;]*m")

    def test_without_a_terminal_it_is_one_screen(self):
        self.start()
        for environment in ({"TERM": "xterm"}, {"TERM": "dumb"}):
            done = subprocess.run([str(BIN / "troupe"), "top", str(self.shop.file)], capture_output=True, text=True,
                                  timeout=2 * PATIENCE, check=False, env={**os.environ, **environment})
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertRegex(done.stdout, r"\Atest is \w+")
            self.assertNotIn("\x1b", done.stdout)
            self.assertRegex(done.stdout, r"echo +ok 1/1")
        self.broker.kill()
        done = subprocess.run([str(BIN / "troupe"), "top", str(self.shop.file)], capture_output=True, text=True,
                              timeout=2 * PATIENCE, check=False)
        self.assertEqual(4, done.returncode, done.stdout)
        self.assertIn("test is unreachable", done.stdout)


if __name__ == "__main__":
    unittest.main()
