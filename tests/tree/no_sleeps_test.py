"""No test sleeps: time is a clock one advances, and what happens elsewhere is waited for."""

import re
import unittest

import source_tree

# Written in pieces, or this file would find itself.
_SLEEP = re.compile(
    r"\bsleep_" + r"(?:for|until)\b"
    r"|\b(?:u|nano|clock_nano)sleep\b"
    r"|\b(?:time|asyncio|gevent)\." + r"sleep\b"
    r"|(?<![.\w])sleep\s*\(" + r"\s*[\w.]"
    r"|\bfrom time import[^\n]*\bsleep\b"
    r"|(?:^|[;&|`(\"']|\bdo\b|\bthen\b)[ \t]*sleep[ \t]+[\d.$]", re.MULTILINE)

_HASH_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#[^\n]*")
_CPP_COMMENT = re.compile(r"//[^\n]*")


def faults(tree):
    found = []
    for path in source_tree.files(
            tree, ".cpp", ".hpp", ".py", ".sh", ".cmake", ".txt", under=("tests",)):
        comment = _CPP_COMMENT if path.suffix in (".cpp", ".hpp") else _HASH_COMMENT
        text = comment.sub("", source_tree.read(tree, path))
        found += [f"{path}:{line}: {what}" for line, what in
                  source_tree.lines_matching(_SLEEP, text)]
    return found


class NoSleeps(unittest.TestCase):
    maxDiff = None

    def test_no_test_sleeps(self):
        self.assertEqual("", "\n".join(faults(source_tree.root())))

    def test_every_way_to_sleep_is_caught(self):
        nap = "sleep"
        with source_tree.sample({
            "tests/a_test.cpp": f"\nstd::this_thread::{nap}_for(1ms);\n",
            "tests/b_test.cpp": f"\nstd::this_thread::{nap}_until(soon);\n",
            "tests/c_test.cpp": f"\nu{nap}(10);\n",
            "tests/d_test.cpp": f"\n::nano{nap}(&when, nullptr);\n",
            "tests/deep/e_test.py": f"import time\ntime.{nap}(0.1)\n",
            "tests/f_test.py": f"\nfrom time import monotonic, {nap}\n",
            "tests/g.sh": f"\n{nap} 1\n",
            "tests/h.sh": f"\nstart & {nap} 0.5; stop\n",
            "tests/i_test.py": f"\nrun('{nap} 3')\n",
            "tests/j_test.cpp": f"\n::{nap}(1);\n",
        }) as tree:
            self.assertEqual(
                [f"{path}:2" for path in source_tree.files(tree)],
                [fault.split(": ")[0] for fault in faults(tree)])

    def test_talking_of_sleep_is_let_pass(self):
        with source_tree.sample({
            "tests/a_test.cpp": "// The scheduler would sleep 1 ms here.\nint sleepers = 2;\n",
            "tests/b_test.py": f"# no time.{'sl' + 'eep'}(1) here\nevent.wait(deadline)\n",
        }) as tree:
            self.assertEqual([], faults(tree))


if __name__ == "__main__":
    unittest.main()
