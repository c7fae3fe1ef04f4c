"""Each row of the tables of limits names the tests that show what happens there, and there are such tests; pictures are small."""

import re
import sys
import unittest

import source_tree

# The file, the heading of the section, and the first column of its table.
TABLES = (("runtime/broker/README.md", "## What happens at each limit", "limit"),
          ("runtime/wire/FORMAT.md", "## 7. Limits", "what"))

_NAME = re.compile(r"`([a-z][a-z0-9_]+)`")
_CASE = re.compile(r"_TEST_CASE\(\s*([a-z0-9_]+)|\bdef test_([a-z0-9_]+)")


def tests_in(tree):
    return {name for path in source_tree.files(tree, ".cpp", ".py", under=("tests",))
            for pair in _CASE.findall(source_tree.read(tree, path)) for name in pair if name}


def faults(tree, known):
    found = []
    for path, heading, first in TABLES:
        section = source_tree.read(tree, path).split(heading, 1)[1].split("\n## ", 1)[0]
        rows = [line for line in section.splitlines() if line.startswith("|")]
        if not rows or not rows[0].startswith(f"| {first} |") or not rows[0].endswith("| test |"):
            found.append(f"{path}: the table under `{heading}` does not end with the column `test`")
            continue
        for row in rows[2:]:
            names = _NAME.findall(row.rstrip(" |").rsplit("|", 1)[1])
            found += [f"{path}: no test `{each}`" for each in names if each not in known]
            if not names:
                found.append(f"{path}: no test is named in: {row[:80]}")
    return found


PICTURES = "nodes/page/pictures"
PICTURE_BYTES_MAX = 200 * 1024


class Pictures(unittest.TestCase):
    def test_the_three_of_the_page_are_small_and_shown(self):
        tree = source_tree.root()
        shown = set(re.findall(rf"!\[[^\]]+\]\(({PICTURES}/[^)]+)\)", source_tree.read(tree, "README.md")))
        there = {str(each) for each in source_tree.files(tree, under=(PICTURES,))}
        self.assertEqual(there, shown)
        self.assertEqual(3, len(there))
        for each in there:
            bytes_ = (tree / each).read_bytes()
            self.assertEqual(b"\x89PNG\r\n\x1a\n", bytes_[:8], each)
            self.assertLess(len(bytes_), PICTURE_BYTES_MAX, each)


class Limits(unittest.TestCase):
    def test_each_row_names_its_tests(self):
        tree = source_tree.root()
        self.assertEqual([], faults(tree, tests_in(tree)))

    def test_a_row_without_a_test_is_found(self):
        tree = source_tree.root()
        known = tests_in(tree)
        self.assertIn("runtime/wire/FORMAT.md: no test `sixteen_levels_are_the_limit`",
                      faults(tree, known - {"sixteen_levels_are_the_limit"}))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
