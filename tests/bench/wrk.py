"""wrk, the load client of HTTP: Debian's."""

import json
import pathlib
import shutil
import subprocess

from machine import used_by

_SCRIPT = pathlib.Path(__file__).parent / "wrk.lua"


def wrk_missing():
    return None if shutil.which("wrk") else "wrk is not installed"


class Wrk:
    def __init__(self, given, port):
        self._seconds = given.seconds
        self._url = f"http://127.0.0.1:{port}"

    def load(self, system, work, connections, pids, *asked):
        """@param pids: by name, the processes whose time for an answer is told. @param asked: of wrk.lua."""
        before = {name: used_by(pid) for name, pid in pids.items()}
        warm = self._run(connections, min(0.5, self._seconds / 3), *asked)
        line = self._run(connections, self._seconds, *asked)
        answers = max(1, warm["answers"] + line["answers"])
        spent = {name: (used_by(pid) - before[name]) * 1e6 / answers for name, pid in pids.items()}
        return line | {f"{name}_cpu_us": time for name, time in spent.items()} | {
            "system": system, "work": work, "window": connections, "cpu_us": sum(spent.values())}

    def _run(self, connections, seconds, *asked):
        # It takes whole seconds only; the rate is of the time that passed.
        command = ["wrk", "--threads", "1", "--connections", connections, "--timeout", "10s",
                   "--duration", f"{max(1, round(seconds))}s", "--script", _SCRIPT, self._url,
                   "--", *asked]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        line = done.stdout.strip().rpartition("\n")[2]
        if done.returncode != 0 or not line.startswith("{"):
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
        return json.loads(line)
