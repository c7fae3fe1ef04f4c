"""Each header compiles alone.

A source includes its own header first, so a build without precompiled headers, which the
ThreadSanitizer build is, has compiled that header alone. What is left is given to the compiler here, as strictly as
the sources beside it. What passed is remembered in the build folder until the header, or anything it
includes, changes.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import unittest

import source_tree


def _merged_in(source):
    """The sources that a compiled file stands for: a merged one includes them, and compiles all but its
    first behind others. That their headers stand alone is then known from builds that merge nothing."""
    if source.parent.name != "Unity" or not source.is_file():
        return [source]
    return [pathlib.Path(name) for name in re.findall(r'#include "(.*)"', source.read_text())]


class Compiler:
    """Compiles headers as the sources in `build` are compiled."""

    def __init__(self, tree, build):
        self._tree = tree
        self._stamps = build / "headers_alone"
        self._flags = {}
        self.sources = set()
        for entry in json.loads((build / "compile_commands.json").read_text()):
            for source in _merged_in(pathlib.Path(entry["directory"], entry["file"])):
                if source.is_relative_to(tree):
                    source = source.relative_to(tree)
                    self.sources.add(source)
                    self._flags.setdefault(source.parent, self._without_files(entry["command"]))

    @staticmethod
    def _without_files(command):
        flags, words = [], iter(shlex.split(command))
        for word in words:
            if word in ("-o", "-c", "-MF", "-MT", "-MQ", "-include"): # Precompiled headers hide faults.
                next(words)
            elif not word.endswith("ccache") and word not in ("-MD", "-MMD", "-Winvalid-pch"):
                flags.append(word)
        return flags

    def _flags_for(self, header):
        for folder in header.parents:
            if folder in self._flags:
                return self._flags[folder]
        return next(iter(self._flags.values()))

    def complaint(self, header):
        """What the compiler says against `header`, or nothing."""
        name = header.as_posix()
        command = self._flags_for(header) + ["-Wno-unused-macros", "-fsyntax-only"]
        digest = hashlib.sha256("\0".join([name] + command).encode()).hexdigest()[:32]
        stamp = self._stamps / f"{digest}.d"
        if self._still_true(stamp):
            return ""
        self._stamps.mkdir(parents=True, exist_ok=True)
        fresh = stamp.with_suffix(f".{os.getpid()}")
        done = subprocess.run(
            command + ["-MD", "-MF", str(fresh), "-MT", "x", "-x", "c++", "-"],
            input=f'#include "{name}"\n', text=True, capture_output=True, check=False,
            cwd=self._tree)
        if done.returncode == 0:
            fresh.replace(stamp)
            return ""
        fresh.unlink(missing_ok=True)
        return f"{name} does not compile alone:\n{done.stderr}"

    def _still_true(self, stamp):
        if not stamp.is_file():
            return False
        when = stamp.stat().st_mtime
        # A make rule: "x: file file ...", lines ended by backslashes, spaces escaped.
        rule = stamp.read_text().replace("\\\n", " ").split(":", 1)[1]
        try:
            return all((self._tree / name).stat().st_mtime < when for name in shlex.split(rule))
        except FileNotFoundError:
            return False


def built_alone(tree, compiler, header):
    source = header.with_suffix(".cpp")
    if source not in compiler.sources or not (tree / source).is_file():
        return False
    included = source_tree.includes(source_tree.read(tree, source))
    return bool(included) and included[0][1] in (header.as_posix(), header.name)


def faults(tree, build):
    compiler = Compiler(tree, build)
    left = [header for header in source_tree.files(
                tree, ".hpp", under=source_tree.PRODUCT_FOLDERS + ("tests", "examples"))
            if not built_alone(tree, compiler, header)]
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as workers:
        return [complaint for complaint in workers.map(compiler.complaint, left) if complaint]


class Headers(unittest.TestCase):
    def test_every_header_compiles_alone(self):
        build = pathlib.Path(os.environ["TROUPE_BIN"]).parent
        self.assertEqual("", "\n".join(faults(source_tree.root(), build)))

    def sample_faults(self, files):
        with source_tree.sample(files) as tree:
            build = tree / "build"
            build.mkdir()
            (build / "compile_commands.json").write_text(json.dumps([
                {"directory": str(build), "file": str(tree / path),
                 "command": f"c++ -std=c++20 -I{tree} -o x.o -c {tree / path}"}
                for path in files if path.endswith(".cpp")]))
            once = faults(tree, build)
            self.assertEqual(once, faults(tree, build), "and the second time the same")
            return once

    def test_a_header_that_needs_another_first_is_caught(self):
        found = self.sample_faults({
            "runtime/good.hpp": "#pragma once\n#include <string>\nstd::string good();\n",
            "runtime/bad.hpp": "#pragma once\nstd::string bad();\n",
            "runtime/use.cpp": '#include "runtime/good.hpp"\n#include "runtime/bad.hpp"\n',
        })
        self.assertEqual(1, len(found))
        self.assertIn("runtime/bad.hpp", found[0])

    def test_a_source_that_includes_its_header_late_proves_nothing(self):
        found = self.sample_faults({
            "runtime/late.hpp": "#pragma once\nstd::string late();\n",
            "runtime/late.cpp": '#include <string>\n#include "runtime/late.hpp"\n',
        })
        self.assertEqual(1, len(found))


if __name__ == "__main__":
    unittest.main()
