"""examples/points is a project of its own: elsewhere, too, it finds Troupe, and its source compiles."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import source_tree


class ExampleAlone(unittest.TestCase):
    def test_configures_and_compiles_out_of_tree(self):
        troupe = source_tree.root()
        with tempfile.TemporaryDirectory() as folder:
            source, build = pathlib.Path(folder, "points"), pathlib.Path(folder, "build")
            shutil.copytree(troupe / "examples" / "points", source)
            # Linking would need all of Troupe once more; Troupe's own build does it.
            for command in (
                    ["cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DTROUPE={troupe}"],
                    ["ninja", "-C", build, "CMakeFiles/points_actors.dir/points.cpp.o"]):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
