"""The line that ./dev test and .ci/run end with tells the truth, whatever ctest and the build do."""

import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import source_tree

_PROJECT = """cmake_minimum_required(VERSION 3.25)
project(sample LANGUAGES NONE)
enable_testing()
add_custom_target(programs)
add_custom_target(short_tests)
{tests}
"""
_PRESETS = """{"version": 6,
 "configurePresets": [
  {"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/dev"},
  {"name": "asan", "generator": "Ninja", "binaryDir": "${sourceDir}/build/asan"}]}"""

_PASSES = 'add_test(NAME {} COMMAND true)\nset_tests_properties({} PROPERTIES LABELS unit)\n'
_FAILS = 'add_test(NAME {} COMMAND sh -c "echo \\"<testcase status=run\\"; exit 1")\n' \
         'set_tests_properties({} PROPERTIES LABELS unit)\n'
_SKIPS = 'add_test(NAME {} COMMAND sh -c "exit 77")\n' \
         'set_tests_properties({} PROPERTIES SKIP_RETURN_CODE 77 LABELS unit)\n'
_NO_PROGRAM = 'add_test(NAME {} COMMAND /nowhere/to/be/found)\n' \
              'set_tests_properties({} PROPERTIES LABELS unit)\n'
_LONG = 'add_test(NAME {} COMMAND true)\nset_tests_properties({} PROPERTIES LABELS "chaos;long")\n'
_DISABLED = 'add_test(NAME {} COMMAND false)\nset_tests_properties({} PROPERTIES DISABLED TRUE)\n'


def entries(*kinds):
    return "".join(kind.format(name, name) for name, kind in zip(map("unit.test_{}".format, itertools.count()), kinds))


class Dev(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        # A space, as in many a home folder.
        self.project = pathlib.Path(self._folder.name, "a project")
        (self.project / ".ci").mkdir(parents=True)
        for name in ("dev", ".ci/run"):
            shutil.copy2(source_tree.root() / name, self.project / name)
        # Packages are not what is tested: without dpkg-query on the path none is looked for.
        tools = pathlib.Path(self._folder.name, "tools")
        tools.mkdir()
        for tool in ("sh", "env", "cmake", "ctest", "ninja", "grep", "dirname", "readlink", "awk",
                     "date", "cat", "rm", "true", "false", "mktemp", "tee", "tail", "sed", "nproc"):
            found = shutil.which(tool)
            if found:
                (tools / tool).symlink_to(found)
        self.environment = {"PATH": str(tools), "HOME": self._folder.name, "LC_ALL": "C.UTF-8"}

    def run_in_project(self, tests, *command, text=None):
        (self.project / "CMakeLists.txt").write_text(text or _PROJECT.format(tests=tests))
        (self.project / "CMakePresets.json").write_text(_PRESETS)
        done = subprocess.run(
            ["/bin/sh", str(self.project / command[0]), *command[1:]], cwd="/", text=True,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.rstrip().split("\n")[-1], done.stdout

    def assert_ends(self, line, status, result):
        self.assertEqual((line, status), (result[1], result[0]), result[2])

    def test_all_passed_twice_in_a_row(self):
        for _ in range(2):
            self.assert_ends("2 passed, 0 failed", 0, self.run_in_project(
                entries(_PASSES, _PASSES), "dev", "test"))

    def test_failures_are_counted_one_by_one(self):
        self.assert_ends("1 passed, 2 failed", 1, self.run_in_project(
            entries(_FAILS, _PASSES, _FAILS), "dev", "test"))

    def test_a_program_that_is_not_there_is_a_failure(self):
        self.assert_ends("1 passed, 1 failed", 1, self.run_in_project(
            entries(_PASSES, _NO_PROGRAM), "dev", "test"))

    def test_skipped_and_disabled_are_neither(self):
        self.assert_ends("1 passed, 0 failed", 0, self.run_in_project(
            entries(_PASSES, _SKIPS, _DISABLED), "dev", "test"))

    def test_no_test_at_all_is_no_success(self):
        self.assert_ends("0 passed, 0 failed", 1, self.run_in_project("", "dev", "test"))

    def test_arguments_reach_ctest(self):
        self.assert_ends("1 passed, 0 failed", 0, self.run_in_project(
            entries(_PASSES, _FAILS), "dev", "test", "-R", "test_0"))

    def test_the_lengthy_ones_are_the_proofs(self):
        tests = entries(_PASSES, _LONG, _LONG)
        self.assert_ends("1 passed, 0 failed", 0, self.run_in_project(tests, "dev", "test"))
        self.assert_ends("2 passed, 0 failed", 0, self.run_in_project(tests, "dev", "proofs"))
        self.assert_ends("3 passed, 0 failed", 0, self.run_in_project(tests, "dev", "test", "-R", "test_"))

    def test_a_build_that_fails_gives_no_count(self):
        broken = _PROJECT.format(tests="add_custom_target(broken ALL COMMAND false)")
        status, line, _ = self.run_in_project("", "dev", "test", text=broken)
        self.assertNotEqual(0, status)
        self.assertNotRegex(line, "passed")

    def test_ci_sums_both_runs(self):
        self.assert_ends("4 passed, 0 failed", 0, self.run_in_project(
            entries(_PASSES, _PASSES), ".ci/run"))
        self.assert_ends("2 passed, 2 failed", 1, self.run_in_project(
            entries(_PASSES, _FAILS), ".ci/run"))

    def test_ci_counts_a_build_that_fails(self):
        broken = _PROJECT.format(tests="add_custom_target(broken ALL COMMAND false)")
        self.assert_ends("0 passed, 2 failed", 1, self.run_in_project(
            "", ".ci/run", text=broken))


if __name__ == "__main__":
    unittest.main()
