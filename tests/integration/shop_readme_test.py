"""The curl lines of the shop's README, and of the project's, run as they stand."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, PATIENCE, SOURCE

SHOP = SOURCE / "examples" / "shop"
sys.path.insert(0, str(SHOP))
from shop_nodes import Nodes, write_topology  # noqa: E402

SKIPPED = 77
ADDRESS = "127.0.0.1:8080"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def without_ids(text: str) -> str:
    """Each id by the order in which it comes first: what is the same stays the same."""
    known: dict[str, str] = {}
    return UUID.sub(lambda found: known.setdefault(found[0], f"id{len(known)}"), text)


class Readmes(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.topology, _ = write_topology(SHOP / "shop.yaml", pathlib.Path(folder.name))
        self.address = re.search(r"http://(\S+?)\"", self.topology.read_text())[1]
        nodes = Nodes(BIN, self.topology)
        self.addCleanup(lambda: self.assertTrue(nodes.stop(), "everything stops in order"))
        nodes.wait_until_ready(2 * PATIENCE)
        self.assertEqual(["g1"], nodes.names("gateway"))

    def run_lines(self, script: str) -> str:
        """All in one shell; only the port is another one."""
        self.assertIn(ADDRESS, script)
        return subprocess.run(
            ["sh", "-c", script.replace(ADDRESS, self.address)], cwd=SHOP, capture_output=True,
            text=True, timeout=4 * PATIENCE, check=False).stdout

    def test_lines_print_what_stands_below_them(self):
        blocks = re.findall(r"```sh\n(.*?)```\n\n```\n(.*?)```", (SHOP / "README.md").read_text(), re.S)
        self.assertGreater(len(blocks), 5)
        mark = "=" * 20
        said = self.run_lines(f"\necho {mark}\n".join(lines for lines, _ in blocks)).split(f"{mark}\n")
        expected = without_ids(mark.join(below for _, below in blocks)).split(mark)
        found = without_ids(mark.join(said)).split(mark)
        self.assertEqual(expected[:-1], found[:-1])
        # Events of two orders may come in another order.
        self.assertEqual(sorted(expected[-1].split("\n")), sorted(found[-1].split("\n")))

    def test_a_newcomer_orders_with_one_line(self):
        with (SHOP / "stock.json").open() as stock:
            subprocess.run([str(BIN / "troupe"), "call", str(self.topology), "inventory.load", "-"],
                           stdin=stock, check=True, capture_output=True)
        lines = re.findall(r"(?m)^    (curl .*/api/orders)$", (SOURCE / "README.md").read_text())
        self.assertEqual(1, len(lines))
        self.assertIn('"total_cents":1978', self.run_lines(lines[0]))


if __name__ == "__main__":
    if shutil.which("curl") is None:
        print("skipped: there is no curl")
        sys.exit(SKIPPED)
    unittest.main()
