"""Folders have names that say something and a README; files stay short and finished."""

import re
import sys
import unittest

import source_tree

LINES_LISTED = 400
LINES_MAX = 800

# The rooms of the house: each is there and says in its README.md what it is for.
FOLDERS = ("topology", "runtime", "runtime/wire", "runtime/transport", "runtime/http", "runtime/store",
           "runtime/observe", "runtime/calls", "runtime/broker", "runtime/broker/journal",
           "runtime/broker/events", "runtime/supervision", "runtime/saga", "runtime/client", "runtime/gateway",
           "runtime/contract",
           "runtime/actor", "runtime/worker", "actors", "nodes", "tests", "examples")

_EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "stuff"}
_SOURCES = (".cpp", ".hpp", ".py", ".sh", ".cmake", "CMakeLists.txt")
_TEXTS = _SOURCES + (".md", ".yaml", ".yml", ".json", ".sql", ".csv")
_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")
# A rule stands in the README of the folder that obeys it. A page that a reader does not have, named
# by its title in capitals, explains nothing. (Written in pieces, or this file would find itself.)
_ELSEWHERE = re.compile(r"\b(?:RELIA" + r"BILITY|BEHAV" + r"IOURS|FA" + r"CES|HOU" + r"SE)\b"
                        r"|\b(?:DES" + r"IGN|STY" + r"LE|POST" + r"GRES)(?:\.md|,? (?:section )?\d)")
# Test fixtures may bring in the standard's literals, as clang-tidy's google-build-using-namespace
# lets them: such a namespace holds nothing that could be called by mistake.
_LITERALS = re.compile(r"\bstd::\w*literals\b")
_USING = re.compile(r"\busing\s+namespace\s+[\w:]+")
_FILE_NAME = re.compile(r"^[a-z0-9_]+(?:\.[a-z0-9_]+)*$")


def readme_faults(tree):
    found = [f"{folder}/: has no README.md" if (tree / folder).is_dir() else
             f"{folder}/: is missing"
             for folder in FOLDERS if not (tree / folder / "README.md").is_file()]
    # An example is one folder with a README of its own.
    if (tree / "examples").is_dir():
        found += [f"{folder.relative_to(tree)}/: has no README.md"
                  for folder in sorted((tree / "examples").iterdir())
                  if folder.is_dir() and folder.name != "__pycache__"
                  and not (folder / "README.md").is_file()]
    return found


def faults(tree):
    found = []
    for path in source_tree.files(tree, *_TEXTS):
        text = source_tree.read(tree, path)
        found += [f"{path}:{line}: unfinished ({what})"
                  for line, what in source_tree.lines_matching(_UNFINISHED, text)]
        found += [f"{path}:{line}: a page that is not in the repository ({what})"
                  for line, what in source_tree.lines_matching(_ELSEWHERE, text)]
        found += [f"{path}: the folder name {part!r} says nothing"
                  for part in path.parts[:-1] if part in _EMPTY_NAMES]
        if path.suffix in (".hpp", ".cpp"):
            if path.stem in _EMPTY_NAMES:
                found.append(f"{path}: the file name says nothing")
            if not _FILE_NAME.match(path.name):
                found.append(f"{path}: file names are snake_case")
        if path.suffix == ".hpp":
            code = source_tree.code(text)
            found += [f"{path}:{line}: {what} in a header"
                      for line, what in source_tree.lines_matching(_USING, code)
                      if path.parts[0] != "tests" or not _LITERALS.search(what)]
            if "#pragma once" not in text:
                found.append(f"{path}: has no #pragma once")
        if path.name.endswith(_SOURCES) and text.count("\n") > LINES_MAX:
            found.append(f"{path}: {text.count(chr(10))} lines; split it, {LINES_MAX} are the most")
    return found


def long_files(tree):
    counts = ((source_tree.read(tree, path).count("\n"), path)
              for path in source_tree.files(tree, *_SOURCES))
    return sorted((count, path) for count, path in counts if count > LINES_LISTED)


class Names(unittest.TestCase):
    maxDiff = None

    def test_names_and_files_follow_the_rules(self):
        for count, path in long_files(source_tree.root()):
            print(f"{path}: {count} lines; look for the seam", file=sys.stderr)
        self.assertEqual("", "\n".join(faults(source_tree.root())))

    def test_every_folder_says_what_it_is_for(self):
        self.assertEqual("", "\n".join(readme_faults(source_tree.root())))

    def test_what_breaks_a_rule_is_caught(self):
        with source_tree.sample({
            "runtime/utils/text.hpp": "#pragma once\n",
            "runtime/store/helpers.cpp": "",
            "runtime/store/Turn.cpp": "",
            "runtime/store/a.hpp": "#pragma once\nusing namespace std::chrono_literals;\n",
            "tests/store/fixture.hpp": "#pragma once\nusing namespace std;\n",
            "runtime/store/b.hpp": "int b();\n",
            "runtime/store/c.cpp": "// TO" + "DO: later\n",
            "runtime/store/d.cpp": "\n" * (LINES_MAX + 1),
            "README.md": "FIX" + "ME\n",
            "runtime/store/e.cpp": "// @source DES" + "IGN 7.\n",
        }) as tree:
            self.assertEqual(
                [str(path) for path in source_tree.files(tree)],
                sorted({fault.split(":")[0] for fault in faults(tree)}))

    def test_what_keeps_the_rules_is_let_pass(self):
        with source_tree.sample({
            "runtime/store/turn.hpp": "#pragma once\n// No `using namespace std` here.\n",
            "runtime/store/turn.cpp": "\n" * LINES_MAX,
            "tests/store/fixture.hpp": "#pragma once\nusing namespace std::chrono_literals;\n",
            "build/dev/utils/x.cpp": "TO" + "DO\n",
        }) as tree:
            self.assertEqual([], faults(tree))

    def test_a_long_file_is_listed(self):
        with source_tree.sample({"runtime/x.cpp": "\n" * (LINES_LISTED + 1)}) as tree:
            self.assertEqual(1, len(long_files(tree)))

    def test_a_folder_without_readme_is_caught(self):
        with source_tree.sample(
            {f"{folder}/README.md": "" for folder in FOLDERS if folder != "runtime/wire"}
            | {"examples/shop/shop.yaml": ""}
        ) as tree:
            self.assertEqual(
                ["runtime/wire/: is missing", "examples/shop/: has no README.md"],
                readme_faults(tree))


if __name__ == "__main__":
    unittest.main()
