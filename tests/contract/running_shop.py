"""The shop with its gateway, running, and the contracts that the consumers of examples/contracts wrote."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / each) for each in ("tests/integration", "examples/shop")]
from harness import BIN, PATIENCE, Process  # noqa: E402
import shop_nodes  # noqa: E402

STATES = ROOT / "examples/contracts/states.sh"


class RunningShop(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.topology, _ = shop_nodes.write_topology(ROOT / "examples/shop/shop.yaml", cls.folder)
        os.environ.update(SHOP=str(cls.topology), TROUPE_BIN=str(BIN))  # What states.sh uses.
        for program, node, event in (("broker", "b1", "listening"), ("worker", "n1", "broker.joined"),
                                     ("worker", "n2", "broker.joined"), ("gateway", "g1", "gateway.started")):
            process = Process(
                [str(BIN / f"troupe-{program}"), str(cls.topology), "--node", node, "--log", "json"],
                folder=cls.folder)
            cls.addClassCleanup(process.end)
            started = process.wait_for(event)
        cls.url = started["listens"]
        cls.pacts = cls.folder / "pacts"
        done = subprocess.run(
            [str(BIN / "contracts_consumer")], env={**os.environ, "PACTS": str(cls.pacts)},
            capture_output=True, text=True, timeout=PATIENCE * 4, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def hooks(self, *files: pathlib.Path, deadline: str = "15s") -> str:
        """Where `troupe contract hooks` answers for these contracts."""
        hooks = subprocess.Popen(
            [str(BIN / "troupe"), "contract", "hooks", *map(str, files), "--topology", str(self.topology),
             "--states", str(STATES), "--deadline", deadline], stdout=subprocess.PIPE, text=True)
        self.addCleanup(hooks.stdout.close)
        self.addCleanup(hooks.wait)
        self.addCleanup(hooks.terminate)
        return hooks.stdout.readline().split()[2].removesuffix("/_pact/state")
