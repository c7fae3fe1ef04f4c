"""Scripts name the Python of the system, which has the modules: another one that comes first in PATH may lack them."""

import unittest

import source_tree


class Scripts(unittest.TestCase):
    def test_the_first_line_names_the_python_of_the_system(self):
        tree = source_tree.root()
        first = {path: source_tree.read(tree, path).partition("\n")[0] for path in source_tree.files(tree, ".py")}
        named = {path: line for path, line in first.items() if line.startswith("#!")}
        self.assertTrue(named)
        self.assertEqual({}, {path: line for path, line in named.items() if line != "#!/usr/bin/python3"})


if __name__ == "__main__":
    unittest.main()
