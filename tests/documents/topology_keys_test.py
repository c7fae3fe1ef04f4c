"""`troupe schema` has the keys and ranges of the reader of topologies, and topology/README.md has the keys."""

import os
import pathlib
import re
import unittest

import topology_files
from topology_files import Path

SCHEMA = topology_files.schema()
README = pathlib.Path(os.environ["TROUPE_SOURCE"]) / "topology" / "README.md"
MILLIS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
RANGE = re.compile(r": (\S+) to (\S+)$")
ROUTE = ("gateways", "g1", "routes", "POST /users")
# A route does one of two things, and then has other keys.
WHAT_A_ROUTE_DOES = ((("call",), "users.register"), (("events",), ["*"]))
# How the reader words that a single value is out of range.
OUT_OF_RANGE = ("write a", "let it rise", "is counted")


def number_of(text: str, units: dict[str, int]) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w*)", text).groups()
    return int(number) * units[unit]


def edges(part: dict) -> tuple[object, object, object, object]:
    """Just below the range of a value, its least, its most, just above."""
    least, most = RANGE.search(part["description"]).groups()
    if part["pattern"].count("ms"):
        # An hour, as some durations are counted in hours.
        step = 3_600_000 if "whole hours" in part["description"] else 1
        low, high = number_of(least, MILLIS), number_of(most, MILLIS)
        values = f"{low - step}ms", f"{low}ms", f"{high}ms", f"{high + step}ms"
        if r"\.\." in part["pattern"]:
            return (f"{values[0]}..{values[2]}", f"{values[1]}..{values[2]}",
                    f"{values[1]}..{values[2]}", f"{values[1]}..{values[3]}")
        return values
    if "iB" in part["pattern"]:
        low, high = number_of(least, BYTES), number_of(most, BYTES)
        return low - 1, low, high, high + 1
    if "integer" in part["type"]:
        return int(least) - 1, int(least), int(most), int(most) + 1
    return float(least) / 2 or -1.0, float(least), float(most), float(most) * 2


class Keys(unittest.TestCase):
    maxDiff = None

    def test_the_reader_knows_the_same_keys(self):
        ours: dict[str, Path] = {}
        for number, (path, part) in enumerate(topology_files.walk(SCHEMA, SCHEMA)):
            if topology_files.is_section(part):
                ours[f"xxxxxxxxxxxxxxxxxxxx{number}"] = path
        told: dict[Path, set[str]] = {}
        for does in WHAT_A_ROUTE_DOES:
            tree: dict = {}
            for unknown, path in ours.items():
                topology_files.put(tree, path + (unknown,), 1)
            topology_files.put(tree, ROUTE + does[0], does[1])
            for fault in topology_files.faults_of(topology_files.written(tree)[0]):
                if unknown := re.match(r"unknown key `(x+\d+)`", fault["what"]):
                    keys = fault["remedy"].removeprefix("the keys here are ")
                    told.setdefault(ours[unknown[1]], set()).update(keys.split(", "))

        self.assertEqual(
            {path: set(part["properties"]) for path, part in topology_files.walk(SCHEMA, SCHEMA)
             if topology_files.is_section(part)}, told)

    def test_the_reader_has_the_same_ranges(self):
        ranged = topology_files.leaves(SCHEMA, lambda part: RANGE.search(part.get("description", "")))
        self.assertGreater(len(ranged), 50)
        for which, is_taken in ((0, False), (1, True), (2, True), (3, False)):
            tree: dict = {}
            topology_files.put(tree, ROUTE + ("call",), "users.register")
            for path, part in ranged:
                topology_files.put(tree, path, edges(part)[which])
            text, places = topology_files.written(tree)
            refused = {fault["line"] for fault in topology_files.faults_of(text)
                       if fault["remedy"].startswith(OUT_OF_RANGE)}

            self.assertEqual([] if is_taken else [path for path, _ in ranged],
                             [path for path, _ in ranged if places[path] in refused], text)

    def test_words_are_those_of_the_reader(self):
        for path, part in topology_files.leaves(SCHEMA, lambda part: "enum" in part):
            for word in part["enum"] + ["nonsense"]:
                tree: dict = {}
                topology_files.put(tree, ROUTE + ("call",), "users.register")
                topology_files.put(tree, path, word)
                told = [fault["what"] for fault in topology_files.faults_of(topology_files.written(tree)[0])
                        if re.search(f"(is|unknown.*) `{word}`", fault["what"])]
                with self.subTest(path, word=word):
                    self.assertEqual(word == "nonsense", bool(told), told)

    def test_the_page_has_the_same_keys(self):
        reference = README.read_text().split("## Reference of keys")[1].split("\n## ")[0]
        page: set[str] = set()
        for row in re.findall(r"^\| (`.*?) \|", reference, re.MULTILINE):
            page.update(re.findall(r"`([^`]+)`", row))
        policies = set(SCHEMA["$defs"])
        ours: set[str] = set()
        for path, part in topology_files.leaves(SCHEMA, lambda part: True):
            if path[0] == "defaults":
                ours.add(".".join(path[1:]))
            elif path[0] == "capabilities":
                if path[2] not in policies:
                    ours.add(path[2])
            elif path[0] == "gateways":
                # One row tells of all of a `tls` or `rate`; routes have rows of their own.
                ours.add(path[2] if path[2] in ("tls", "rate") else
                         path[4] if path[2] == "routes" else ".".join(path[2:]))
            elif path[0] == "strangler":
                ours.add(".".join(path[2:]))
            else:
                names = {"b1": "NAME", "n1": "NAME", "order.*": "PATTERN", "anna": "NAME"}
                ours.add(".".join(names.get(each, each) for each in path))
        # The row of PATTERN tells of both, as does the row of each map of what is in it.
        ours -= {"events.topics.PATTERN.keep", "events.topics.PATTERN.size"}
        ours |= {"events.topics.PATTERN", "defaults", "capabilities.NAME", "gateways.NAME",
                 "routes.METHOD PATH", "strangler.NAME"}

        self.assertEqual(sorted(ours), sorted(page))


if __name__ == "__main__":
    unittest.main()
