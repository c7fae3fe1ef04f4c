"""Examples are projects of their own: elsewhere, too, they find Troupe, or say what they want; and a source compiles."""

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

    def test_without_troupe_beside_it_says_what_to_give(self):
        for example in ("points", "booking", "travel"):
            with self.subTest(example), tempfile.TemporaryDirectory() as folder:
                source = pathlib.Path(folder, "mine", example)
                shutil.copytree(source_tree.root() / "examples" / example, source)
                done = subprocess.run(["cmake", "-G", "Ninja", "-S", source, "-B", pathlib.Path(folder, "build")],
                                      capture_output=True, text=True, check=False)
                self.assertNotEqual(0, done.returncode)
                self.assertIn("-DTROUPE=FOLDER", " ".join(done.stderr.split()))
                self.assertNotIn("troupe_programs", done.stderr)


if __name__ == "__main__":
    unittest.main()
