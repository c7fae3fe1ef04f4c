#!/usr/bin/python3
"""A bare client of the same servers: inserts row after row over libpq, each in a transaction of its own, until
SIGTERM. What is not confirmed is tried again over a new connection. Each confirmation is a line of its log:
{"n", "t_mono_us"}. It says how long the databases themselves were away."""

import argparse
import json
import signal
import sys
import threading
import time

import psycopg2

# What libpq itself does about a server that is gone, as the stores of Troupe have it.
_LIMITS = {"target_session_attrs": "read-write", "connect_timeout": "2", "tcp_user_timeout": "3000"}
# A commit that was cancelled while it waited for its standby says so by a warning alone.
_CANCELLED = "canceled wait for synchronous replication"


class Writer:
    def __init__(self, url: str) -> None:
        self._url = url
        self._link = None

    def write(self, n: int) -> bool:
        """Whether row `n` is confirmed."""
        try:
            if self._link is None:
                self._link = psycopg2.connect(self._url, application_name="bare writer", **_LIMITS)
            with self._link.cursor() as cursor:
                # A row that is there already is written once more: a commit that writes nothing waits for no standby.
                cursor.execute(
                    "INSERT INTO bare.written (n) VALUES (%s) ON CONFLICT (n) DO UPDATE SET n = EXCLUDED.n", (n,))
            self._link.commit()
            cancelled = any(_CANCELLED in each for each in self._link.notices)
            del self._link.notices[:]
            if not cancelled:
                return True
        except psycopg2.Error:
            pass
        if self._link is not None:
            self._link.close()
            self._link = None
        return False


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="postgresql://...; the password is in PGPASSFILE")
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", type=float, default=50.0, help="rows a second, at most (default 50)")
    wanted = parser.parse_args(words)
    enough = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: enough.set())
    writer = Writer(wanted.url)
    n = 1
    with open(wanted.log, "w", encoding="ascii", buffering=1) as log:
        while not enough.is_set():
            if writer.write(n):
                log.write(json.dumps({"n": n, "t_mono_us": int(time.monotonic() * 1e6)}) + "\n")
                n += 1
                enough.wait(1 / wanted.rate)
            else:
                enough.wait(0.02)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
