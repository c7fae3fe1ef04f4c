"""What the test of disorder itself is made of: plans, clocks, topologies, copies, verdicts."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import plan  # noqa: E402
import restore_steps  # noqa: E402, F401 (it adds its steps)
from clocks import Clocks  # noqa: E402
from copies import Copies  # noqa: E402
from shop import SHOP, Fault  # noqa: E402
from shrink import shrink  # noqa: E402
from steps import STEPS  # noqa: E402
from topologies import RENAMED, shop_of, with_renamed  # noqa: E402
from verdicts import DONE, WAITS, Ends, acknowledged, check_verdicts, ends_of  # noqa: E402

SEEDS = range(200)


def plans() -> list[list[str]]:
    points = {"turn.committed": False, "bus.confirmed": True}
    return [plan.draw(seed, 1, ("new", "before"), 8, points=points) for seed in SEEDS]


class Plans(unittest.TestCase):
    def test_a_seed_says_all(self) -> None:
        self.assertEqual(plan.draw(7, 2, ("new",), 8), plan.draw(7, 2, ("new",), 8))
        self.assertNotEqual(plan.draw(7, 2, ("new",), 8), plan.draw(7, 3, ("new",), 8))
        self.assertNotEqual(plan.draw(7, 2, ("new",), 8), plan.draw(8, 2, ("new",), 8))

    def test_a_seed_tells_every_story(self) -> None:
        self.assertEqual(set(plan.STORIES), {plan.story_of(7, each) for each in range(1, len(plan.STORIES) + 1)})

    def test_every_step_is_one_that_can_be_done(self) -> None:
        self.assertLessEqual({line.split()[0] for each in plans() for line in each[1:]}, STEPS.keys())

    def test_every_deed_and_every_story_comes(self) -> None:
        words = {line.split()[0] for each in plans() for line in each}
        self.assertLessEqual({each.__name__ for each, _ in plan.DEEDS}, words)
        self.assertLessEqual({"restore_all", "restore", "put_back", "accept", "accept_if_troubled"}, words)

    def test_nothing_comes_that_was_left_out(self) -> None:
        for seed in SEEDS:
            steps = plan.draw(seed, 1, ("new",), 8, ("clock", "rename"))
            self.assertFalse([line for line in steps if line.startswith(("clock", "rename"))])

    def test_nobody_is_started_twice_nor_killed_dead(self) -> None:
        for steps in plans():
            up = {pair.split("=")[0] for pair in steps[0].split()[1].split(",")}
            everybody = set(up)
            for word, *rest in map(str.split, steps[1:]):
                if word in ("start", "start_doomed"):
                    self.assertNotIn(rest[0], up)
                    up.add(rest[0])
                elif word in ("kill", "stop", "freeze"):
                    self.assertIn(rest[0], up)
                    up -= {rest[0]} if word != "freeze" else set()
                elif word == "upgrade":
                    self.assertIn("heal", steps[steps.index("upgrade") + 1])
                elif word in ("rename", "rename_back", "heal"):
                    up = set(everybody)

    def test_a_copy_alone_is_restored_in_the_new_release(self) -> None:
        for steps in plans():
            after = steps[steps.index("upgrade"):] if "upgrade" in steps else []
            self.assertFalse([line for line in after if " before" in line])

    def test_what_is_restored_was_copied(self) -> None:
        for steps in plans():
            copied = set()
            for word, *rest in map(str.split, steps):
                if word == "copy":
                    copied.add(rest[0])
                elif word in ("restore", "restore_all"):
                    self.assertIn(rest[-1], copied)


class Shrinking(unittest.TestCase):
    def test_leaves_what_the_fault_needs(self) -> None:
        steps = ["shop b1 n1=new", *(f"pause {number}" for number in range(20)), "end"]
        left = shrink(steps, lambda rest: "pause 3" in rest and "pause 17" in rest)
        self.assertEqual(["shop b1 n1=new", "pause 3", "pause 17", "end"], left)


class ClockTest(unittest.TestCase):
    def test_a_clock_is_moved_while_its_process_runs(self) -> None:
        program = "import sys, time\nfor _ in sys.stdin: print(int(time.time()), flush=True)"
        with tempfile.TemporaryDirectory() as folder:
            clocks = Clocks(pathlib.Path(folder))
            process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True,
                                       stdout=subprocess.PIPE, env=clocks.environment("m"))

            def ahead() -> int:
                process.stdin.write("\n")
                process.stdin.flush()
                return round(int(process.stdout.readline()) - time.time())

            self.assertAlmostEqual(0, ahead(), delta=5)
            clocks.jump("m", 86_400)
            clocks.jump("other", 3_600)
            self.assertAlmostEqual(86_400, ahead(), delta=5)
            clocks.jump("m", -2 * 86_400)
            self.assertAlmostEqual(-86_400, ahead(), delta=5)
            process.communicate()


class Topologies(unittest.TestCase):
    def test_a_shop_has_the_brokers_it_is_given(self) -> None:
        text = shop_of(SHOP / "shop.yaml", {"b1": 4001, "b2": 4002})
        self.assertIn('  b2: {listen: "tcp://127.0.0.1:4002"}', text)
        self.assertNotIn("5550", text)

    def test_a_capability_gets_another_name_and_keeps_its_rest(self) -> None:
        text = shop_of(SHOP / "shop.yaml", {"b1": 4001})
        for old, new in RENAMED.items():
            renamed = with_renamed(text, old)
            self.assertNotIn(f"\n  {old}:", renamed)
            self.assertIn(f"\n  {new}:\n    actor: {old}\n", renamed)
            self.assertEqual(text.count("replicas"), renamed.count("replicas"))
        self.assertIn("spool: apart/mailer", with_renamed(text, "notifications"))


class CopiesTest(unittest.TestCase):
    def test_the_lost_file_is_found_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shop = types.SimpleNamespace(folder=pathlib.Path(folder), data=pathlib.Path(folder, "data"))
            shop.data.mkdir()
            copies = Copies(shop)

            def write(value: int) -> None:
                with sqlite3.connect(shop.data / "a.db") as database:
                    database.execute("CREATE TABLE IF NOT EXISTS t (n)")
                    database.execute("INSERT INTO t VALUES (?)", (value,))
                database.close()

            def read() -> list[int]:
                database = sqlite3.connect(shop.data / "a.db")
                rows = [row[0] for row in database.execute("SELECT n FROM t")]
                database.close()
                return rows

            write(1)
            copies.take_live("old")
            write(2)
            copies.put("a", "old")
            self.assertEqual([1], read())
            write(3)
            copies.put_back("a")
            self.assertEqual([1, 2], read())


def answer(of: str, verdict: str, code: int = 0, times: int = 1) -> subprocess.CompletedProcess[str]:
    line = json.dumps({"id": of, "verdict": verdict, "why": "so it is", "life": [], "not_known": []})
    return subprocess.CompletedProcess([], code, f"{line}\n" * times, "")


class Verdicts(unittest.TestCase):
    def test_each_id_has_the_one_verdict_that_it_should_have(self) -> None:
        wanted = {"a": DONE, "b": WAITS}
        self.assertEqual("2 verdicts", check_verdicts(wanted, lambda each: answer(each, wanted[each])))

    def test_any_other_verdict_is_a_fault_that_names_the_id(self) -> None:
        for what, said in {"another": answer("b", "under way"), "none": answer("b", DONE, times=0),
                           "two": answer("b", DONE, times=2), "of another id": answer("c", DONE),
                           "not known": answer("b", "not known", code=3)}.items():
            with self.subTest(what), self.assertRaisesRegex(Fault, "1 of 2 lives.*\n.*why b"):
                check_verdicts({"a": DONE, "b": DONE}, {"a": answer("a", DONE), "b": said}.__getitem__)

    def test_a_sample_is_the_same_for_a_seed_and_has_all_that_wait(self) -> None:
        ends = Ends({f"call {n}": DONE for n in range(300)},
                    {f"event {n}": WAITS if n == 77 else DONE for n in range(300)})
        self.assertEqual(ends.sample("s"), ends.sample("s"))
        self.assertNotEqual(ends.sample("s"), ends.sample("t"))
        for seed in "stuvw":
            self.assertIn(len(ends.sample(seed)), (50, 51))
            self.assertEqual(WAITS, ends.sample(seed)["event 77"])

    def test_what_was_acknowledged_is_what_a_client_was_told(self) -> None:
        ends = {"ok": ("ok", None), "refused": ("fail", "rejected"), "late": ("unknown", "deadline_exceeded"),
                "away": ("fail", "unavailable")}
        with tempfile.NamedTemporaryFile("w+") as log:
            for name, (outcome, code) in ends.items():
                for phase in ("invoke", "return"):
                    log.write(json.dumps({"call_id": name, "phase": phase, "outcome": outcome, "code": code}) + "\n")
            log.flush()
            self.assertEqual({"ok", "refused"}, acknowledged(pathlib.Path(log.name)))

    def test_parked_sagas_and_dead_letters_wait_and_what_is_lost_is_not_asked_for(self) -> None:
        one, two, lost, letter = (bytes([n]) * 16 for n in range(1, 5))
        named = [str(uuid.UUID(bytes=each)) for each in (one, two, lost, letter)]
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder)
            with contextlib.closing(sqlite3.connect(data / "order_saga.db")) as sagas, sagas:
                sagas.execute("CREATE TABLE sagas (id, phase)")
                sagas.executemany("INSERT INTO sagas VALUES (?, ?)", [(one, 2), (two, 4)])
            with contextlib.closing(sqlite3.connect(data / "journal.db")) as journal, journal:
                journal.execute("CREATE TABLE dead_letters (event_id)")
                journal.execute("INSERT INTO dead_letters VALUES (?)", (letter,))
                journal.execute("CREATE TABLE events (id, key)")
                journal.executemany("INSERT INTO events VALUES (?, ?)", [(one, "k"), (lost, named[2]), (letter, None)])
            ends = ends_of(data, {named[0], named[1], named[2]}, {named[3], named[1]}, {named[2]})
        self.assertEqual({named[0]: DONE, named[1]: WAITS}, ends.calls)
        self.assertEqual({named[0]: DONE, named[3]: WAITS}, ends.events)


if __name__ == "__main__":
    unittest.main()
