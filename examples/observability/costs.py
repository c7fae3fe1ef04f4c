#!/usr/bin/python3
"""What a running system costs: memory by process, and what each call and event leaves on the disk.

    costs.py shop.yaml --seconds 60

looks twice at the system of a topology, on the machine where it runs and keeps its databases, and tells what
lies between the two. Let its usual load run meanwhile.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time


def asked(words: list[str]) -> dict:
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        return json.loads(said.stdout)
    except ValueError:
        sys.exit(f"{' '.join(words)}: {said.stderr or said.stdout}")


def memory_of(pid: int) -> int:
    """In KiB; 0 if the process is on another machine."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def size_of(database: pathlib.Path) -> int:
    """With what is still in its WAL."""
    return sum(os.path.getsize(each) for each in (database, f"{database}-wal") if os.path.exists(each))


class Look:
    def __init__(self, troupe: str, file: pathlib.Path):
        self.at = time.monotonic()
        status = asked([troupe, "status", str(file), "--json"])
        self.topics = {each["topic"]: each for each in asked([troupe, "topics", str(file), "--json"])["topics"]}
        self.processes, self.answered, self.databases = {}, {}, {}
        for node in (each for each in status["nodes"] if each["answers"]):
            self.processes[node["name"]] = memory_of(node["status"]["pid"])
            for group in node["status"]["groups"]:
                name = group["capability"]
                self.answered[name] = self.answered.get(name, 0) + group["answered"] + group["events"]
                if group["store"] != "none":
                    self.databases[name] = size_of(file.parent / group["store"])
        self.journal = sum(size_of(each) for each in file.parent.glob("data/journal.db"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--troupe", default="troupe", help="the program")
    given = parser.parse_args()
    before = Look(given.troupe, given.file)
    time.sleep(given.seconds)
    after = Look(given.troupe, given.file)
    seconds = after.at - before.at

    print(f"{'node':<24}{'memory':>12}")
    for name, kib in after.processes.items():
        print(f"{name:<24}{kib / 1024:>8.1f} MiB")
    print(f"\n{'capability':<24}{'handled/s':>12}{'disk':>14}{'a message':>14}")
    for name, answered in after.answered.items():
        count = answered - before.answered.get(name, 0)
        size = after.databases.get(name, 0)
        grown = size - before.databases.get(name, 0)
        each = f"{grown / count:.0f} B" if count and size else "-"
        print(f"{name:<24}{count / seconds:>12.1f}{size / 2**20:>10.1f} MiB{each:>14}")
    print(f"\n{'topic':<24}{'events/s':>12}{'disk':>14}{'an event':>14}")
    for name, topic in after.topics.items():
        count = topic["events"] - before.topics.get(name, {"events": 0})["events"]
        each = f"{topic['bytes'] / topic['events']:.0f} B" if topic["events"] else "-"
        print(f"{name:<24}{count / seconds:>12.1f}{topic['bytes'] / 2**20:>10.1f} MiB{each:>14}")
    print(f"{'the whole journal':<24}{'':>12}{after.journal / 2**20:>10.1f} MiB")


if __name__ == "__main__":
    main()
