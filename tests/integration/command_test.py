"""The `troupe` command, as people and scripts use it: what it prints, where, and how it ends."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
import uuid

import harness
from harness import BIN, PATIENCE, SystemTest, new_id, text_of

OK, FAULTS, USAGE, REJECTED, ERROR, DEADLINE = range(6)
SUBCOMMANDS = ("check", "up", "call", "status", "breaker", "version")


def troupe(*words: object, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / "troupe"), *map(str, words)], input=text,
                          capture_output=True, text=True, timeout=2 * PATIENCE, check=False)


def begun(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen([str(BIN / "troupe"), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(child: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    with child:
        try:
            said = child.communicate(timeout=2 * PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            said = child.communicate()
    return subprocess.CompletedProcess(child.args, child.returncode, *said)


class CommandTest(SystemTest):
    def assert_ends(self, code: int, done: subprocess.CompletedProcess[str]) -> None:
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)

    def assert_told(self, code: int, done: subprocess.CompletedProcess[str],
                    *parts: str) -> None:
        """It failed, said so on stderr in these words, and printed nothing a script would read."""
        self.assert_ends(code, done)
        self.assertEqual("", done.stdout)
        for part in parts:
            self.assertIn(part, done.stderr)

    def json_of(self, done: subprocess.CompletedProcess[str]) -> dict:
        """The one line it printed."""
        self.assertEqual("", done.stderr)
        self.assertEqual(1, done.stdout.count("\n"), done.stdout)
        return json.loads(done.stdout)


class Help(CommandTest):
    def test_every_command_has_help_that_names_the_exit_codes(self):
        for words in ((), *((each,) for each in SUBCOMMANDS)):
            with self.subTest(words):
                done = troupe(*words, "--help")
                self.assert_ends(OK, done)
                self.assertIn("Usage:", done.stdout)
                if words != ("version",):
                    self.assertIn("Exit codes: 0 done, 1 the topology has faults", done.stdout)

    def test_help_fits_into_eighty_columns(self):
        def pages(*words: str):
            said = troupe(*words, "--help").stdout
            yield words, said
            for name in re.findall(r"^  (\S+) ", said.partition("Subcommands:\n")[2], re.MULTILINE):
                yield from pages(*words, name)

        topics = re.findall(r"^  (\S+) ", troupe("help").stdout, re.MULTILINE)
        all_pages = [*pages(), *((("help", each), troupe("help", each).stdout) for each in topics)]
        self.assertGreater(len(all_pages), 60)
        # An example is a line of its own, which a person copies.
        self.assertEqual([], [(words, line) for words, said in all_pages for line in said.splitlines()
                              if len(line) > 80 and not line.startswith("Example: troupe ")])

    def test_the_first_help_names_every_command(self):
        said = troupe("--help").stdout
        for each in SUBCOMMANDS:
            self.assertIn(each, said)

    def test_version(self):
        done = troupe("version")
        self.assert_ends(OK, done)
        self.assertRegex(done.stdout, r"^troupe \d+\.\d+\.\d+\n$")
        self.assertEqual(done.stdout, troupe("--version").stdout)

    def test_a_command_that_there_is_not_is_named(self):
        self.assert_told(USAGE, troupe("frob"), "there is no command `frob`", "--help")
        self.assert_told(USAGE, troupe("chekc", "x.yaml"), "`chekc`, did you mean `check`?")
        self.assert_told(USAGE, troupe("dead-letters", "lst"), "`lst`, did you mean `list`?")
        self.assert_told(USAGE, troupe("--frob"), "there is no option `--frob`")
        why = self.json_of(troupe("frob", "--json"))["error"]
        self.assertIn("there is no command `frob`", why["message"])

    def test_help_of_a_command_that_there_is_not_is_wrong_usage(self):
        self.assert_told(USAGE, troupe("nonsense", "--help"), "there is no command `nonsense`")
        self.assert_told(USAGE, troupe("dead-letters", "lst", "--help"), "did you mean `list`?")

    def test_help_on_topics_and_commands(self):
        topics = troupe("help")
        self.assert_ends(OK, topics)
        for each in ("exit-codes", "signals", "files", "trouble"):
            self.assertIn(each, topics.stdout)
            self.assert_ends(OK, troupe("help", each))
        self.assertEqual(troupe("dead-letters", "list", "--help").stdout,
                         troupe("help", "dead-letters", "list").stdout)
        self.assert_told(USAGE, troupe("help", "signal"), "did you mean `signals`?")

    def test_every_program_has_a_page_for_man(self):
        for words in ((), ("troupe-broker",), ("troupe-worker",), ("troupe-gateway",)):
            page = troupe("man", *words)
            self.assert_ends(OK, page)
            self.assertRegex(page.stdout, r"\.SH NAME\n\S+ \\- runs[^:]*\n\.SH")
            shown = subprocess.run([self.judge("man"), "--warnings", "-l", "-"], input=page.stdout, text=True,
                                   capture_output=True, timeout=PATIENCE, check=False,
                                   env={**os.environ, "MANPAGER": "cat", "MANROFFOPT": "-c"})
            self.assertEqual("", shown.stderr)
            self.assertIn((words or ("troupe",))[0], shown.stdout)

    def test_completion_for_bash_knows_commands_options_and_files(self):
        script = troupe("completion", "bash").stdout

        def completed(*words: str) -> list[str]:
            done = subprocess.run(
                ["bash", "-c", script + '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _troupe; '
                 'printf "%s\\n" "${COMPREPLY[@]}"', "bash", "troupe", *words],
                capture_output=True, text=True, timeout=PATIENCE, check=True)
            return done.stdout.split()

        self.assertIn("status", completed("st"))
        self.assertEqual(["list"], completed("dead-letters", "li"))
        self.assertIn("--watch", completed("status", "x.yaml", "--w"))
        self.assertIn("/etc/passwd", completed("check", "/etc/passw"))

    def judge(self, program: str) -> str:
        """Where the program is that judges what is written for it; without it the test is skipped."""
        found = shutil.which(program)
        if found is None:
            self.skipTest(f"there is no {program} to judge it")
        return found

    def run_judge(self, *words: str, text: str = "") -> str:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        return done.stdout

    def test_mandoc_finds_nothing_in_the_pages_for_man(self):
        judge = self.judge("mandoc")
        for words in ((), ("troupe-broker",), ("troupe-worker",), ("troupe-gateway",)):
            page = troupe("man", *words).stdout
            found = subprocess.run([judge, "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True,
                                   timeout=PATIENCE, check=False).stdout.splitlines()
            # A page has no date: what is built twice is to be the same.
            self.assertEqual([], [each for each in found if "missing date" not in each])

    def test_completion_for_fish_knows_commands_options_and_files(self):
        judge = self.judge("fish")
        said = troupe("completion", "fish")
        self.assert_ends(OK, said)
        self.run_judge(judge, "--no-execute", text=said.stdout)

        def completed(line: str) -> list[str]:
            done = self.run_judge(judge, "--no-config", "-c", f"{said.stdout}\ncomplete -C '{line}'")
            return [each.split("\t")[0] for each in done.splitlines()]

        self.assertIn("status", completed("troupe st"))
        self.assertEqual(["list"], completed("troupe dead-letters li"))
        self.assertNotIn("drop", completed("troupe dead-letters list x.yaml d"))
        self.assertIn("--watch", completed("troupe status x.yaml --w"))
        self.assertIn("--state", completed("troupe sagas list x.yaml --s"))
        self.assertNotIn("--state", completed("troupe dead-letters list x.yaml --s"))
        self.assertIn("/etc/passwd", completed("troupe check /etc/passw"))

    def test_completion_for_zsh_is_read_by_it(self):
        said = troupe("completion", "zsh")
        self.assert_ends(OK, said)
        self.run_judge(self.judge("zsh"), "-n", text=said.stdout)

    def test_completion_for_zsh_answers_the_first_time_it_is_loaded(self):
        # What compinit loads is the function itself, the first time: defining another one answers nothing.
        said = troupe("completion", "zsh").stdout
        self.assertIn("if [[ ${funcstack[1]} == _troupe ]]; then\n  _troupe \"$@\"\nelse\n  compdef", said)
        done = subprocess.run(
            [self.judge("zsh"), "-f", "-c", "autoload -Uz compinit && compinit -u -d $1/dump; fpath=($1 $fpath); autoload -Uz _troupe;"
             " compadd() { print -- $@ }; words=(troupe dead); CURRENT=2; _troupe", "zsh", self.zsh_folder(said)],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertIn("dead-letters", done.stdout, done.stderr)

    def zsh_folder(self, script: str) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "_troupe"), "w", encoding="utf-8") as file:
            file.write(script)
        return folder.name

    def test_closed_descriptors_are_no_reason_to_answer_elsewhere(self):
        done = subprocess.run(["bash", "-c", f'"{BIN}/troupe" version >&-'], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ERROR, done.returncode)
        self.assertIn("could not be written", done.stderr)

    def test_a_pipe_that_nobody_writes_is_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = os.path.join(folder, "pipe")
            os.mkfifo(pipe)
            topology = os.path.join(folder, "topology.yaml")
            with open(topology, "w", encoding="ascii") as file:
                file.write("troupe: 1\nname: t\nbrokers: {b1: {listen: 'tcp://127.0.0.1:1'}}\n"
                           "nodes: {n1: {}}\nsecurity: {tokens: {issuer: t, audience: t}}\n"
                           "capabilities: {echo: {store: none}}\n")
            keys = ("token", "keys", topology)
            self.assert_ends(OK, troupe(*keys))
            saved = os.path.join(folder, "saved")
            os.mkdir(saved)
            os.mkfifo(os.path.join(saved, "manifest.json"))
            orders = (("restore", topology, "--from", saved), ("check", pipe), ("check", topology, "--against", pipe), ("reconcile", topology, pipe),
                      ("contract", "verify", pipe, "--topology", topology), ("token", "show", topology, pipe))
            for words, done in zip(orders, map(finished, [begun(*each) for each in orders])):
                with self.subTest(words):
                    self.assertIn("nobody writes into this pipe", done.stdout + done.stderr)
                    self.assertNotEqual(OK, done.returncode)

    def test_an_id_of_another_version_gets_the_true_reason(self):
        self.assert_told(USAGE, troupe("call", "x.yaml", "a.b", "--id", str(uuid.uuid4())),
                         "is a UUID of version 4")

    def test_wrong_usage_ends_with_two_and_says_what_is_known(self):
        for words in ((), ("chekc", "x.yaml"), ("check",), ("status",), ("call",),
                      ("check", "x.yaml", "--jsn"), ("version", "please")):
            with self.subTest(words):
                done = troupe(*words)
                self.assert_ends(USAGE, done)
                self.assertIn("--help", done.stdout + done.stderr)

    def test_a_word_too_many_is_named(self):
        done = troupe("status", "x.yaml", "y.yaml")  # As a `*` that the shell has replaced leaves them.
        self.assert_ends(USAGE, done)
        self.assertIn("expected FILE; `y.yaml` is one too many", done.stderr)

    def test_what_is_no_trace_is_named(self):
        done = troupe("trace", "x.yaml", "4bf92f")
        self.assert_ends(USAGE, done)
        self.assertIn("`4bf92f` is not a trace", done.stderr)


class Check(CommandTest):
    def setUp(self):
        self.shop = self.system()

    def test_a_good_file_is_explained_in_words(self):
        done = troupe("check", self.shop.file)

        self.assert_ends(OK, done)
        for part in ("notes", "echo", "n1", "b1"):
            self.assertIn(part, done.stdout)
        self.assertEqual("", done.stderr)

    def test_a_good_file_as_json(self):
        done = troupe("check", self.shop.file, "--json")

        self.assert_ends(OK, done)
        said = self.json_of(done)
        self.assertTrue(said["ok"])
        echo, = (each for each in said["capabilities"] if each["name"] == "echo")
        self.assertIn("echo", echo["operations"])

    def test_every_fault_is_told_at_once_with_its_place_and_what_to_do(self):
        self.shop.capabilities = {"ntoes": "{actor: ntoes}", "notes": "{replcas: 2}"}
        file = self.shop.write("bad.yaml")

        done = troupe("check", file)
        as_json = self.json_of(troupe("check", file, "--json"))

        self.assert_told(FAULTS, done, "notes", "replicas")
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"bad\.yaml:\d+:\d+: .+")
        self.assertFalse(as_json["ok"])
        self.assertGreaterEqual(len(as_json["faults"]), 2)
        for each in as_json["faults"]:
            self.assertGreater(each["line"], 0)
            self.assertTrue(each["what"])
            self.assertTrue(each["remedy"])

    def test_a_file_that_is_not_there_or_no_yaml(self):
        broken = self.shop.folder / "broken.yaml"
        broken.write_text("capabilities: {notes: [\n")
        for file in (self.shop.folder / "missing.yaml", self.shop.folder, broken):
            with self.subTest(file):
                for done in (troupe("check", file), troupe("status", file),
                             troupe("call", file, "echo.echo")):
                    self.assert_told(FAULTS, done, str(file))
                self.assertFalse(self.json_of(troupe("check", file, "--json"))["ok"])


class Call(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.one = harness.System(
            {**harness.CAPABILITIES, "inventory": "{replicas: 1}"}, nodes=("n1",))
        cls.addClassCleanup(cls.one.close)
        cls.one.broker()
        cls.one.worker()

    def call(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        return troupe("call", self.one.file, *words, **more)

    def test_json_in_json_out(self):
        by_hand = self.call("echo.echo", '{"payload": "hello"}')
        in_a_script = self.call("echo.echo", '{"payload": "hello"}', "--json")
        from_stdin = self.call("echo.echo", "-", text='{"payload": "hello"}')
        without_file = troupe("call", "--broker", self.one.endpoints["b1"], "echo.echo",
                              '{"payload": "hello"}')

        for done in (by_hand, in_a_script, from_stdin, without_file):
            self.assert_ends(OK, done)
            self.assertEqual({"payload": "hello"}, json.loads(done.stdout))
        self.assertEqual({"payload": "hello"}, self.json_of(in_a_script))

    def test_an_id_asks_again_for_what_was_done(self):
        call_id = text_of(new_id())

        first = self.call("notes.add", '{"text": "once"}', "--id", call_id, "--json")
        again = self.call("notes.add", '{"text": "once"}', "--id", call_id, "--json")
        other = self.call("notes.add", '{"text": "twice"}', "--id", call_id)

        self.assert_ends(OK, first)
        self.assertEqual(self.json_of(first), self.json_of(again))
        self.assert_told(ERROR, other, "conflict", "next: ")

    def test_a_refusal_of_the_business_has_a_code_of_its_own(self):
        words = ("inventory.stock", '{"sku": "unicorn"}')
        for_people, for_scripts = self.call(*words), self.call(*words, "--json")

        self.assert_told(REJECTED, for_people, "rejected", "unicorn")
        self.assert_ends(REJECTED, for_scripts)
        why = self.json_of(for_scripts)["error"]
        self.assertEqual(("rejected", "none"), (why["code"], why["effect"]))

    def test_typical_mistakes_are_told_with_what_to_do(self):
        mistakes = {
            ("ecko.echo",): (ERROR, "unknown_capability", "`ecko`", "echo", "next: "),
            ("echo.ecko",): (ERROR, "unknown_operation", "`ecko`", "echo", "next: "),
            ("echo.echo", '{"paylod": "x"}'): (ERROR, "invalid", "payload"),
            ("echo.echo", '{"payload": 7}'): (ERROR, "invalid", "payload"),
            ("echo.echo", '{"payload": '): (ERROR, "invalid", "JSON"),
            ("echo",): (USAGE, "`echo` is not CAPABILITY.OPERATION"),
            ("echo.",): (USAGE, "`echo.` is not CAPABILITY.OPERATION"),
            (): (USAGE, "expected FILE, CAPABILITY.OPERATION and JSON", "--help"),
            ("echo.echo", "{}", "--deadline", "5"): (USAGE, "`5` is not a duration"),
            ("echo.echo", "{}", "--deadline", "0s"): (USAGE, "`0s` is not a duration"),
            ("echo.echo", "{}", "--deadline", "400000d"): (USAGE, "`400000d` is longer than 3650d"),
            ("echo.echo", "{}", "--id", "7"): (USAGE, "`7` is no UUID"),
        }
        for words, (code, *parts) in mistakes.items():
            with self.subTest(words):
                self.assert_told(code, self.call(*words), *parts)

    def test_nobody_there_is_no_answer_in_time(self):
        nobody = f"tcp://127.0.0.1:{harness.free_port()}"
        words = ("call", "--broker", nobody, "echo.echo", "{}", "--deadline", "200ms")

        self.assert_told(DEADLINE, troupe(*words), "deadline_exceeded", "next: ", "troupe up")
        done = troupe(*words, "--json")
        self.assert_ends(DEADLINE, done)
        self.assertEqual("none", self.json_of(done)["error"]["effect"])


class Terminal:
    """A program on a terminal of its own, and all that it drew there."""

    def __init__(self, *words: object, columns: int, rows: int = 24, kind: str = "xterm"):
        self._own, other = pty.openpty()
        self._rows = rows
        self.widen(columns)
        self.child = subprocess.Popen(list(map(str, words)), stdout=other, env={**os.environ, "TERM": kind})
        os.close(other)
        self.drawn = ""

    def widen(self, columns: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", self._rows, columns, 0, 0))

    def wait_for(self, pattern: str) -> re.Match:
        """The last match in what is drawn from now on."""
        self.drawn = ""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.drawn)):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._own], [], [], left)[0]:
                raise AssertionError(f"no {pattern} in {self.drawn[-2000:]!r}")
            self.drawn += os.read(self._own, 4096).decode()
        return found

    def lines(self) -> list[str]:
        return re.sub(r"\x1b\[\d*[A-Z]", "", self.drawn).split("\r\n")

    def close(self) -> None:
        self.child.terminate()
        with contextlib.suppress(OSError):  # Until the last who has the other end is gone.
            while os.read(self._own, 4096):
                pass
        self.child.wait(PATIENCE)
        os.close(self._own)


class Up(CommandTest):
    def test_lines_of_what_was_killed_fit_into_the_terminal_also_when_it_shrinks(self):
        terminal = Terminal(BIN / "troupe", "up", self.system(nodes=("n1",)).file, columns=80)
        self.addCleanup(terminal.close)
        pid = int(terminal.wait_for(r"n1 +worker +runs +(\d+)")[1])

        os.kill(pid, signal.SIGKILL)
        terminal.wait_for(r"n1 +worker +runs +\d+ +\d+s +1  SIGKILL\r\n")
        self.assertGreaterEqual(80, max(map(len, terminal.lines())))
        terminal.widen(60)
        terminal.wait_for(r"n1 +worker +runs +\d+ +\d+s +1  S\r\n")
        self.assertEqual(60, len(terminal.lines()[-2]))

    def test_no_more_lines_are_drawn_than_the_terminal_has(self):
        # Lines that have left the screen at its top cannot be drawn again, and would fill what one scrolls back to.
        nodes = tuple(f"n{number}" for number in range(1, 5))
        terminal = Terminal(BIN / "troupe", "up", self.system({"notes": "{replicas: 4}"}, nodes=nodes).file,
                            columns=80, rows=6)
        self.addCleanup(terminal.close)

        drawn = terminal.wait_for(r"\x1b\[(\d+)A\x1b\[J[^\x1b]*and (\d+) more, which do not fit here\r\n")

        self.assertLess(int(drawn[1]), 6)
        self.assertEqual("3", drawn[2])  # Of a broker and four nodes.

    def start(self, system: harness.System, *words: object, **more: object) -> subprocess.Popen:
        """Runs until its node serves."""
        up = subprocess.Popen([str(BIN / "troupe"), "up", str(system.file), "--json", *map(str, words)],
                              stdout=subprocess.PIPE, text=True, **more)
        self.addCleanup(up.stdout.close)
        self.addCleanup(up.wait)
        self.addCleanup(up.kill)
        self.assertTrue(system.client().call("notes", "count", ttl=10_000).ok)
        return up

    def test_whoever_reads_what_it_says_may_leave(self):
        system = self.system(nodes=("n1",))
        up = self.start(system)
        up.stdout.close()
        pid = system.status(system.client())["nodes"][0]["pid"]
        os.kill(pid, signal.SIGKILL)  # Which it says, to nobody.
        self.assertTrue(system.client().call("notes", "count", ttl=10_000).ok)
        up.send_signal(signal.SIGTERM)
        self.assertEqual(0, up.wait(2 * PATIENCE))

    def next_event(self, up: subprocess.Popen, *names: str) -> dict:
        for line in up.stdout:
            said = json.loads(line)
            if said["event"] in names:
                return said
        self.fail(f"none of {names} came")

    def test_a_comment_changes_nothing_and_a_change_waits_for_the_next_start(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        up = self.start(system)
        client = system.client()
        self.assertTrue(client.call("notes", "count", ttl=10_000).ok)
        with open(system.file, "a", encoding="ascii") as file:
            file.write("# a remark\n")
        self.assertIn("run the same", self.next_event(up, "file_changed")["reason"])
        other = system.file.read_text().replace("notes: {}", "memos: {actor: notes}")
        system.file.write_text(other)
        self.assertIn("something else", self.next_event(up, "file_changed")["reason"])

        pid = client.call("troupe.node.n1", "status", ttl=10_000).body["pid"]
        os.kill(pid, signal.SIGKILL)
        self.next_event(up, "restarted")

        self.assertTrue(client.call("notes", "count", ttl=10_000).ok)

    def test_a_folder_whose_name_is_no_utf8_hides_no_node(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        strange = system.folder / os.fsdecode(b"caf\xe9")
        strange.mkdir()
        system.file = pathlib.Path(shutil.copy(system.file, strange))
        self.start(system)
        done = subprocess.run([str(BIN / "troupe"), "status", str(system.file), "--json"], capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual("healthy", json.loads(done.stdout.decode("utf-8"))["verdict"])

    def test_a_second_one_does_not_start_the_same_processes(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        first = self.start(system)

        told = subprocess.run([str(BIN / "troupe"), "up", str(system.file), "--json"], capture_output=True, text=True,
                              timeout=PATIENCE)

        self.assertEqual(4, told.returncode)
        why = json.loads(told.stdout)["error"]
        self.assertIn(f"process {first.pid}, runs b1 already", why["message"])
        self.assertIn("troupe status", why["next"])
        first.kill()
        first.wait()
        self.start(system)  # The lock went with the process.

    def refused(self, system: harness.System, *words: object) -> str:
        told = subprocess.run([str(BIN / "troupe"), "up", str(system.file), "--json", *map(str, words)],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(4, told.returncode, told.stdout + told.stderr)
        return json.loads(told.stdout)["error"]["message"]

    def test_nor_with_its_logs_in_another_folder(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        first = self.start(system, "--log-dir", system.folder / "elsewhere")
        self.assertIn(f"another `troupe up`, process {first.pid}, runs b1 already", self.refused(system))
        first.kill()
        first.wait()
        self.start(system)

    def test_nor_beside_a_service_that_runs_one_of_them(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        broker = system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("notes", "count", ttl=10_000).ok)
        self.assertIn(f"process {broker.pid} runs b1 already", self.refused(system))
        broker.kill()
        self.assertIn(f"process {worker.pid} runs n1 already", self.refused(system))
        self.assertEqual([], worker.find("store.taken_over"))
        worker.kill()
        self.start(system)

    def test_one_that_stands_still_is_not_to_be_started_but_to_go_on(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        broker = system.broker()
        broker.freeze()
        told = " ".join(troupe("status", system.file).stdout.split())
        broker.thaw()
        self.assertIn(f"its process {broker.pid} runs here", told)
        self.assertIn(f"`kill -CONT {broker.pid}`", told)
        self.assertNotIn("`troupe up", told)

    def test_a_terminal_that_cannot_move_its_cursor_gets_lines(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        terminal = Terminal(BIN / "troupe", "up", system.file, columns=80, kind="dumb")
        self.addCleanup(terminal.close)
        terminal.wait_for("worker n1: started")
        self.assertNotIn("\x1b", terminal.drawn)

    def test_two_sigterms_are_one(self):
        up = self.start(self.system({"notes": "{}"}, nodes=("n1",)))
        for _ in range(3):
            up.send_signal(signal.SIGTERM)
        events = [json.loads(line)["event"] for line in up.stdout]
        self.assertEqual(0, up.wait(2 * PATIENCE))
        self.assertNotIn("killed", events)
        self.assertEqual("stopped", events[-1])

    def test_its_children_log_as_it_is_told(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        for form in ("text", "json"):
            with self.subTest(form):
                up = self.start(system, "--log", form, "--log-dir", system.folder / form)
                up.send_signal(signal.SIGTERM)
                self.assertEqual(0, up.wait(2 * PATIENCE))
                first = (system.folder / form / "b1.log").read_text().splitlines()[0]
                self.assertIn('"event":"listening"' if form == "json" else " b1 listening ", first)

    def test_a_log_may_be_a_pipe_whose_reader_comes_later(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        pipe = system.folder / "log" / "b1.log"
        pipe.parent.mkdir()
        os.mkfifo(pipe)
        up = subprocess.Popen([str(BIN / "troupe"), "up", str(system.file), "--json"],
                              stdout=subprocess.PIPE, text=True)
        self.addCleanup(up.stdout.close)
        self.addCleanup(up.wait)
        self.addCleanup(up.kill)
        self.assertIn("nobody reads this pipe", self.next_event(up, "not_started")["reason"])
        with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8"):
            self.assertTrue(system.client().call("notes", "count", ttl=10_000).ok)
            up.send_signal(signal.SIGTERM)
            self.assertEqual(0, up.wait(2 * PATIENCE))

    def test_it_stops_in_order_when_its_terminal_is_closed(self):
        up = self.start(self.system({"notes": "{}"}, nodes=("n1",)))
        up.send_signal(signal.SIGHUP)
        events = [json.loads(line)["event"] for line in up.stdout]
        self.assertEqual(0, up.wait(2 * PATIENCE))
        self.assertEqual("stopped", events[-1])

    def test_what_it_adopts_is_reaped(self):
        def leave_one_behind() -> None:
            if os.fork() == 0:
                os._exit(0)

        up = self.start(self.system(nodes=("n1",)), preexec_fn=leave_one_behind)
        children = f"/proc/{up.pid}/task/{up.pid}/children"
        until = time.monotonic() + PATIENCE
        while True:
            with open(children, encoding="ascii") as listed:
                if len(listed.read().split()) == 2:  # Its broker and its node.
                    break
            self.assertLess(time.monotonic(), until, "a child that ended is still there")

    def test_it_waits_while_it_stops(self):
        slow = "{nodes: [n1], config: {provider: {simulated: {latency: 2s, log: data/provider.log}}}}"
        system = self.system({"notes": "{}", "payments": slow}, nodes=("n1", "n2"))
        up = self.start(system)
        system.client().send("payments", "charge", {
            "order_id": text_of(new_id()), "card": "tok_1", "amount_cents": 100,
            "currency": "EUR"})
        client = system.client()

        def in_hand() -> int:
            for each in system.status(client)["capabilities"]:
                if each["name"] == "payments":
                    return each["outstanding"] + each["awaiting"]
            return 0

        until = time.monotonic() + PATIENCE
        while in_hand() == 0:
            self.assertLess(time.monotonic(), until, "the call did not come")

        def spent() -> int:
            with open(f"/proc/{up.pid}/stat", encoding="ascii") as stat:
                return sum(map(int, stat.read().split()[13:15]))

        before = spent()
        began = time.monotonic()
        up.send_signal(signal.SIGTERM)
        left = {"n1", "n2", "b1"}
        used = 0
        for line in up.stdout:
            said = json.loads(line)
            if said["event"] == "exited":
                left.discard(said["node"])
                used = spent() - before
        self.assertEqual(set(), left)
        self.assertGreater(time.monotonic() - began, 0.5, "nothing was in hand")
        self.assertLess(used, 50)  # Hundredths of a second.


class Nodes(CommandTest):
    def test_a_port_that_is_taken_is_told_in_the_form_of_the_log(self):
        system = self.system()
        system.broker()
        words = [str(BIN / "troupe-broker"), str(system.file), "--node", "b1"]

        for_people, for_scripts = (
            subprocess.run([*words, "--log", form], capture_output=True, text=True,
                           timeout=PATIENCE, check=False) for form in ("text", "json"))

        self.assertEqual((69, 69), (for_people.returncode, for_scripts.returncode))
        self.assertIn("not_listening reason=\"cannot listen on", for_people.stderr)
        told, = map(json.loads, for_scripts.stderr.splitlines())
        self.assertEqual(("b1", "not_listening"), (told["node"], told["event"]))
        self.assertIn("is another broker running there?", told["reason"])


    def test_a_reload_of_all_services_ends_no_broker_and_no_worker(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        for each in (system.broker(), system.worker()):
            each.signal(signal.SIGHUP)
        self.assertTrue(system.client().call("notes", "count", ttl=10_000).ok)

    def test_after_an_orderly_stop_the_database_files_alone_are_whole(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        nodes = [system.broker(), system.worker()]
        self.assertTrue(system.client().call("notes", "add", {"text": "kept"}).ok)
        for each in reversed(nodes):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())
        kept = {file: file.read_bytes() for file in system.data.glob("*.db")}
        shutil.rmtree(system.data)
        system.data.mkdir()
        for file, held in kept.items():
            file.write_bytes(held)

        system.broker()
        system.worker()

        self.assertEqual(1, system.client().call("notes", "count", ttl=10_000).body["count"])

    def test_a_database_that_is_gone_is_not_begun_anew(self):
        system = self.system({"notes": "{}"}, nodes=("n1",))
        system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("notes", "add", {"text": "kept"}).ok)
        worker.signal(signal.SIGTERM)
        self.assertEqual(0, worker.await_end())
        (system.data / "notes.db").unlink()

        worker = system.worker(joined=False)

        self.assertIn("was here before", worker.wait_for("group.down")["reason"])


class Status(CommandTest):
    def test_of_a_system_that_is_up_and_of_one_that_lacks_a_node(self):
        system = self.system()
        broker = system.broker()
        for node in system.nodes:
            last = system.worker(node)

        whole, as_json = troupe("status", system.file), troupe("status", system.file, "--json")

        self.assert_ends(OK, whole)
        self.assertTrue(whole.stdout.startswith("test is healthy\n"), whole.stdout)
        for part in ("b1 up", "n1 up", "n2 up", "notes", "echo", "ok 2/2"):
            self.assertIn(part, whole.stdout)
        self.assertLess(whole.stdout.count("\n"), 15)
        self.assertLessEqual(max(map(len, whole.stdout.splitlines())), 80)
        everything = troupe("status", system.file, "--all")
        for part in ("broker b1", "node n1", "node n2", "incarnation"):
            self.assertIn(part, everything.stdout)
        self.assert_ends(OK, as_json)
        said = self.json_of(as_json)
        self.assertEqual("healthy", said["verdict"])
        self.assertEqual([], said["troubles"])
        self.assertEqual([("echo", 2), ("notes", 2)],
                         [(each["name"], each["nodes_serving"]) for each in said["capabilities"]])
        self.assertEqual(["b1"], [each["name"] for each in said["brokers"]])
        self.assertEqual([("n1", True), ("n2", True)],
                         [(each["name"], each["answers"]) for each in said["nodes"]])

        last.kill()
        broker.wait_for("worker_lost", node="n2")
        words = ("status", system.file, "--deadline", "1s")
        lacking, as_json = troupe(*words), troupe(*words, "--json")

        self.assert_ends(ERROR, lacking)
        self.assertIn("is degraded: 1 thing is wrong", lacking.stdout)
        self.assertIn("node n2 ", lacking.stdout)
        self.assertIn("next: `troupe up", lacking.stdout)
        self.assertNotIn("same id", lacking.stdout)
        self.assert_ends(ERROR, as_json)
        self.assertEqual("degraded", json.loads(as_json.stdout)["verdict"])
        self.assertEqual([True, False], [each["answers"] for each in self.json_of(as_json)["nodes"]])

    def test_a_capability_whose_database_is_damaged_is_down_with_the_reason(self):
        system = self.system(nodes=("n1",))
        system.data.mkdir()
        (system.data / "notes.db").write_bytes(b"no database" * 1000)
        system.broker()
        system.worker()

        told, as_json = troupe("status", system.file), troupe("status", system.file, "--json")
        called = troupe("call", system.file, "notes.count")

        self.assert_ends(OK, told)
        self.assertIn("notes on n1 is down", told.stdout)
        self.assertIn("restart the worker n1", " ".join(told.stdout.split()))
        row, = (each for each in told.stdout.splitlines() if each.split()[:1] == ["notes"])
        self.assertIn(" down 0/1 ", row)
        self.assertLessEqual(max(map(len, told.stdout.splitlines())), 100)
        groups = self.json_of(as_json)["nodes"][0]["status"]["groups"]
        self.assertEqual({"echo": ("closed", False), "notes": ("down", True)},
                         {each["capability"]: (each["breaker"], "notes.db" in each["down_reason"])
                          for each in groups})
        self.assert_ends(ERROR, called)
        self.assertIn("restart the worker n1", called.stderr)

    def test_a_deadline_that_is_none(self):
        system = self.system()
        for text in ("1", "0s", "soon"):
            with self.subTest(text):
                self.assert_told(USAGE, troupe("status", system.file, "--deadline", text),
                                 f"`{text}` is not a duration")


if __name__ == "__main__":
    unittest.main()
