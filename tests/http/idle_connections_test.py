"""10,000 connections that do nothing cost little memory and no time, and do not keep others waiting."""

import resource
import sys
import time

import http_harness
from http_harness import get, read_answer

CONNECTIONS = 10_000
MEMORY_MAX = 250_000_000


def raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, CONNECTIONS + 1_000), hard))


class Idle(http_harness.Case):
    def test_ten_thousand_idle_connections(self):
        server = self.serve(f"all={CONNECTIONS + 100}", f"per_address={CONNECTIONS + 100}",
                            "idle=600000", "head=600000", preexec=raise_limit)
        opened = []
        for number in range(CONNECTIONS):
            raw = server.connect()
            self.addCleanup(raw.close)
            opened.append(raw)
            if number % 2 == 0:  # Half of them were served before.
                raw.sendall(get())
                self.assertEqual(200, read_answer(raw)[0])
        while server.counts()["accepted"] < CONNECTIONS:
            pass
        self.assertEqual(CONNECTIONS, server.counts()["open"])
        memory = server.memory_bytes()
        print(f"{memory / 1e6:.0f} MB for {CONNECTIONS} connections", file=sys.stderr)
        self.assertLess(memory, MEMORY_MAX)

        slowest = 0.0
        for raw in opened[::100]:
            begun = time.monotonic()
            raw.sendall(get())
            self.assertEqual(200, read_answer(raw)[0])
            slowest = max(slowest, time.monotonic() - begun)
        self.assertLess(slowest, 1.0)
        self.assertEqual("drained", server.say("drain 20000"))


if __name__ == "__main__":
    raise_limit()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < CONNECTIONS + 500:
        print("skipped: the limit of open files is too low", file=sys.stderr)
        sys.exit(http_harness.SKIPPED)
    http_harness.main()
