"""Each probe of the threat model (runtime/security/README.md) names tests that are there."""

import re
import unittest

from source_tree import root

ROOT = root()
PAGE = (ROOT / "runtime" / "security" / "README.md").read_text()
ROW = re.compile(r"^\| (P\d+)? ?\| (.+) \| (.+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall(PAGE[PAGE.index("\n## Probes"):PAGE.index("\n## Decisions")])


class Probes(unittest.TestCase):
    def test_all_fifteen_have_a_test(self):
        self.assertEqual([f"P{number}" for number in range(1, 16)],
                         [number for number, _, tests in rows() if number and tests])

    def test_the_tests_are_there(self):
        paths = [path for kind in ("*.py", "*.cpp") for path in (ROOT / "tests").rglob(kind)]
        stems = {path.stem for path in paths}
        lists = " ".join(path.read_text() for path in (ROOT / "tests").rglob("CMakeLists.txt"))
        texts = "\n".join(path.read_text() for path in paths)
        for number, what, tests in rows():
            for name in re.findall(r"`([^`]+)`", tests):
                with self.subTest(probe=number or what, test=name):
                    stem = name.removeprefix("integration.").removeprefix("http.").removesuffix("_...")
                    is_there = (f"troupe_test({name} " in lists or f"{stem}_test" in stems or stem in stems
                                or f"class {stem}(" in texts or f"def {stem}" in texts or f"TEST_CASE({stem}" in texts)
                    self.assertTrue(is_there, "there is no test of this name")


if __name__ == "__main__":
    unittest.main()
