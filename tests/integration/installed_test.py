"""A project of its own is built against what `cmake --install` installs of the author's side, and its tests pass."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("TROUPE_BIN", HERE.parents[1] / "build" / "dev" / "bin")).absolute().parent


class Installed(unittest.TestCase):
    def run_in(self, folder: pathlib.Path, *words: object) -> str:
        done = subprocess.run([str(each) for each in words], cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_a_project_finds_the_package_and_builds_its_programs_and_tests(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            prefix, source, build = folder / "prefix", folder / "counters", folder / "build"
            self.run_in(folder, "cmake", "--install", BUILD, "--component", "author", "--prefix", prefix)
            shutil.copytree(HERE / "installed", source)
            # None of it comes from here: the install tree names no folder of the sources.
            for path in (prefix / "lib" / "cmake" / "troupe").iterdir():
                self.assertNotIn(str(HERE.parents[1]), path.read_text(), path)

            self.run_in(folder, "cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
                        "-DCMAKE_BUILD_TYPE=Debug")
            self.run_in(folder, "ninja", "-C", build, "test_counters", "counters")

            self.run_in(folder, build / "test_counters")
            topology = folder / "counters.yaml"
            topology.write_text("\n".join((
                "troupe: 1", "name: counters", 'brokers: {b1: {listen: "tcp://127.0.0.1:5599"}}',
                "nodes: {n1: {host: here}}", 'store: "sqlite:data/{capability}.db"',
                "capabilities: {counter: {replicas: 1}, moves: {replicas: 1}}", "")))
            self.run_in(folder, build / "bin" / "troupe", "check", topology)


if __name__ == "__main__":
    unittest.main()
