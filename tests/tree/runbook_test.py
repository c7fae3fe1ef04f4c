"""nodes/RUNBOOK.md says what to do about each trouble of `troupe status`, and each line of a log that is a warning or an error."""

import re
import unittest

from source_tree import root

ROOT = root()
BOOK = " ".join((ROOT / "nodes" / "RUNBOOK.md").read_text().split())
LOGS = ROOT / "nodes" / "LOGS.md"
TROUBLES = sorted((ROOT / "nodes" / "commands" / "status").glob("*troubles.cpp"))

# `.what =` and the texts up to the next member.
WHAT = re.compile(r"\.what\s*=(.*?)(?=\n\s*\.(?:lasted|why|next)\b|\}\);)", re.DOTALL)
TEXT = re.compile(r'"((?:[^"\\\\]|\\\\.)*)"')
ROW = re.compile(r"^\| (`[a-z._`, ]+) \| (?:error|warning) \|")
# The words of a trouble that say what it is; a text has one of them, or is a part of one that has.
PARTS = {"is away", "stands", "stand", "waits", "wait", "dead letter", "dead letters", "event", "events", "saga", "sagas",
         "result", "results", "half open", "half_open", "disabled", "switched off", "forced open", "forced closed", ""}


def words_of(text: str) -> list[str]:
    """The runs of words between the places of a format."""
    return [each for each in (part.strip(" ,;:") for part in re.split(r"\{[^}]*\}", text)) if each]


def troubles() -> list[str]:
    return [text for each in TROUBLES for what in WHAT.findall(each.read_text()) for text in TEXT.findall(what)]


def warnings() -> list[str]:
    """Nothing as long as no page says which lines of logs are warnings."""
    lines = LOGS.read_text().splitlines() if LOGS.is_file() else []
    return [name for line in lines if (row := ROW.match(line)) for name in re.findall(r"`([^`]+)`", row[1])]


class RunBook(unittest.TestCase):
    def test_the_troubles_are_found(self):
        self.assertGreater(len(troubles()), 20)

    def test_each_trouble_has_an_entry(self):
        missing = [text for text in troubles() if text not in PARTS
                   and (words := words_of(text)) and max(words, key=len) not in BOOK]
        self.assertEqual([], missing, "write into nodes/RUNBOOK.md what they mean and what to do")

    def test_each_warning_has_an_entry(self):
        self.assertEqual([], [name for name in warnings() if f"`{name}" not in BOOK],
                         "write into nodes/RUNBOOK.md what they mean and what to do")


if __name__ == "__main__":
    unittest.main()
