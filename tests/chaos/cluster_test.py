"""examples/cluster as it is installed: three hosts, three brokers, three PostgreSQL under Patroni. A broker, a
worker, the database and a host are killed and a link is cut under load, beside a bare client of the same servers;
and what a run leaves that is ended in the middle.

Skipped in words where a machine lacks something."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin"))
DEMO = SOURCE / "examples" / "cluster" / "cluster_demo.py"
sys.path.insert(0, str(DEMO.parent))

import cluster_demo  # noqa: E402
import hosts  # noqa: E402

FAULTS = ["broker", "worker", "PostgreSQL", "host", "link"]


class ClusterTest(unittest.TestCase):
    def test_everything_fails_once_and_nothing_is_lost(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            figures = pathlib.Path(folder) / "figures.json"
            done = subprocess.run(["/usr/bin/python3", str(DEMO), "--bin", str(BIN), "--json", str(figures)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            print(done.stdout)
            self.assertEqual(0, done.returncode)
            outcome = json.loads(figures.read_text())
        self.assertTrue(outcome["good"], outcome["trouble"])
        self.assertEqual(FAULTS, [each["name"].split(" ")[0] for each in outcome["faults"]])
        self.assertGreater(outcome["check"]["counts"]["acknowledged"], 100)
        self.assertTrue(outcome["check"]["invariants"]["I13"]["checked"])
        longest = outcome["longest"]
        self.assertLessEqual(longest["publishes"], 1.3 * longest["bare writer"])
        # The databases were away for so long: it was not quiet by chance.
        self.assertGreater(longest["bare writer"], 1_000)
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_a_run_that_is_ended_leaves_nothing(self) -> None:
        """By a signal it takes its hosts away; killed, the next run does it."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            run = subprocess.Popen(["/usr/bin/python3", str(DEMO), "--bin", str(BIN)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            with run:
                for line in run.stdout:
                    if "etcd and Patroni" in line:
                        break
                run.send_signal(number)
                run.communicate()
            left = hosts.ip("netns", "list").split()
            mine = [each for each in left if each.startswith(f"troupe-cluster-{run.pid}-")]
            if number == signal.SIGKILL:
                self.assertNotEqual([], mine)
                hosts.sweep()
                left = hosts.ip("netns", "list").split()
                mine = [each for each in left if each.startswith(f"troupe-cluster-{run.pid}-")]
            else:
                self.assertEqual(2, run.returncode)
            self.assertEqual([], mine, signal.Signals(number).name)
            folders = pathlib.Path(tempfile.gettempdir()).glob(hosts.folder_prefix(run.pid) + "*")
            self.assertEqual([], list(folders), signal.Signals(number).name)


if __name__ == "__main__":
    if reason := cluster_demo.reason_to_skip():
        print(f"skipped: {reason}")
        sys.exit(cluster_demo.SKIPPED)
    unittest.main()
