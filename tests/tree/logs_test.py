"""nodes/LOGS.md tells of every event that a program logs, with its level and its fields, and of no other."""

import re
import unittest

from source_tree import root

ROOT = root()

CALL = re.compile(r"\blog(?:_|\(\))?(?:\.|->)write(?:_aside)?\s*\(|\breport\s*\(\s*\{|\b(?:log|lines)\.push_back\s*\(|\bput\s*\(")
NAME = re.compile(r'"([a-z]+(?:[._][a-z]+)*)"')
FIELD = re.compile(r'\{\s*"([a-z_]+)"\s*,')
ADDED = re.compile(r'fields\.emplace_back\(\s*"([a-z_]+)"|observe::log_fields fields\{(.*?)\};', re.DOTALL)
ROW = re.compile(r"^\| (`[a-z._`, ]+) \| (error|warning|info) \| ([^|]*) \|")
# Names that are put together, or come from a constant.
COMPOSED = {"breaker.open", "breaker.closed", "breaker.half_open", "access_refused", "log.lines_lost"}

# Fields that the same function adds to another event.
BESIDE = {"breaker.forced": {"reason"}}


def call_at(text: str, begin: int) -> str:
    """The words of a call, from its opening bracket to its closing one."""
    depth, quoted = 0, False
    for at in range(begin, len(text)):
        if text[at] == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif not quoted and text[at] in "({":
            depth += 1
        elif not quoted and text[at] in ")}":
            depth -= 1
            if depth == 0:
                return text[begin:at + 1]
    raise AssertionError(f"no end of a call: {text[begin:begin + 80]}")


def first_word(call: str) -> str:
    """What stands before the first comma that is in no bracket but the outer ones, and in no quotes."""
    inner = call[1:-1].strip().removeprefix("{")
    depth = 0
    for at, each in enumerate(inner):
        depth += (each in "({") - (each in ")}")
        if each == "," and depth == 0:
            return inner[:at]
    return inner


def told_in_sources() -> dict[str, set[str]]:
    """The events in the sources, each with the fields that stand beside it."""
    found: dict[str, set[str]] = {}
    for folder in ("runtime", "nodes", "actors"):
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            text = path.read_text()
            for match in CALL.finditer(text):
                call = call_at(text, text.index("(", match.start()))
                names = NAME.findall(first_word(call))
                fields = set(FIELD.findall(call))
                if re.search(r",\s*fields\)$", call):
                    for name, all_of_them in ADDED.findall(text):
                        fields |= {name} - {""} | set(FIELD.findall(all_of_them))
                for name in names:
                    if match[0].startswith("put") and not name.startswith("log."):
                        continue
                    found.setdefault(name, set()).update(fields - {name})
    return found


def documented() -> dict[str, tuple[str, set[str]]]:
    rows: dict[str, tuple[str, set[str]]] = {}
    for line in (ROOT / "nodes" / "LOGS.md").read_text().splitlines():
        if row := ROW.match(line):
            for name in re.findall(r"`([^`]+)`", row[1]):
                if name in rows:
                    raise AssertionError(f"{name} stands twice in nodes/LOGS.md")
                rows[name] = (row[2], set(re.findall(r"`([^`]+)`", row[3])))
    return rows


def levels() -> dict[str, str]:
    text = (ROOT / "runtime" / "observe" / "log_level.cpp").read_text()
    found = {}
    for level in ("error", "warning"):
        listed = re.search(rf"constexpr auto {level}s = .*?\(\{{(.*?)\}}\)", text, re.DOTALL)[1]
        found.update(dict.fromkeys(re.findall(r'"([^"]+)"', listed), level))
    return found


class Logs(unittest.TestCase):
    maxDiff = None

    def test_every_event_is_told_of_and_no_other(self):
        self.assertEqual(set(told_in_sources()) | COMPOSED, set(documented()))

    def test_so_are_its_fields(self):
        rows = documented()
        for name, fields in told_in_sources().items():
            with self.subTest(name):
                self.assertEqual(set(), fields - rows[name][1] - BESIDE.get(name, set()))

    def test_the_words_of_up_are_told_of_and_no_other(self):
        text = (ROOT / "nodes" / "commands" / "up" / "up.cpp").read_text()
        said = set(re.findall(r'\.what = "([a-z_]+)"', text))
        for call in re.findall(r"\babout\(\w+, ([^)]*)\)", text):
            said |= set(re.findall(r'"([a-z_]+)"', call))
        page = (ROOT / "nodes" / "LOGS.md").read_text().split("## What `troupe up` says")[1]
        rows = re.findall(r"^\| (`[a-z_`, ]+) \|", page, re.MULTILINE)
        self.assertEqual(said, {name for row in rows for name in re.findall(r"`([^`]+)`", row)} - {"event"})

    def test_levels_are_those_of_the_program(self):
        known = levels()
        self.assertEqual({name: known.get(name, "info") for name in documented()},
                         {name: level for name, (level, _) in documented().items()})
        self.assertEqual(set(), set(known) - set(documented()))


if __name__ == "__main__":
    unittest.main()
