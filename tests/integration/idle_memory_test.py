"""How much memory a broker and a worker take that have nothing to do."""

import pathlib
import re
import unittest

from harness import Process, SystemTest

RESIDENT_KB_MAX = 25 * 1024


def resident_kb(process: Process) -> int:
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE).group(1))


class IdleMemory(SystemTest):
    def test_a_broker_and_a_worker_with_one_database_take_25_mb_each_at_most(self):
        system = self.system({"notes": "{actor: notes, replicas: 2}"}, nodes=("n1",))
        processes = {"broker": system.broker(), "worker": system.worker()}
        client = system.client()

        # They have done something, so that nothing is left to be set up.
        for _ in range(10):
            self.assertTrue(client.call("notes", "add", {"text": "a note"}).ok)
        self.assertTrue((system.data / "notes.db").exists())

        for name, process in processes.items():
            with self.subTest(name):
                self.assertLessEqual(resident_kb(process), RESIDENT_KB_MAX)


if __name__ == "__main__":
    unittest.main()
