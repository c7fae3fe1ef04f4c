"""What is done to the cluster, one after the other, and what clients notice of it."""

import bisect
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import signal
import threading
import time

from hosts import HostError
from services import HOSTS, PROCESSES, Cluster, ClusterError

# Until something is whole again: an election, a crash recovery and a copy of all data at most.
WHOLE_SECONDS = 120.0
PRIMARY_SECONDS = 60.0
# Between two faults all is well for so long.
CALM_SECONDS = 3.0
_TAIL_BYTES = 16_384


@dataclasses.dataclass
class Fault:
    """A fault and what clients noticed of it. Times are of the monotonic clock."""

    name: str
    what: str
    at: float
    # Until another broker or server went on, where one had to; then until all was there again.
    taken_over_after: float | None = None
    whole_after: float | None = None
    # The longest time without a confirmation from then until the next fault, in ms, by client.
    gaps: dict[str, float] = dataclasses.field(default_factory=dict)


def confirmations(lines: list[bytes]) -> list[float]:
    """When they came, in order, in seconds. The log of orders has calls, too, which are none."""
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):  # The last line is being written.
            record = json.loads(line)
            is_return = record.get("phase", "return") == "return"
            if is_return and (record.get("outcome", "ok") == "ok" or record.get("reason")):
                found.append(record["t_mono_us"] / 1e6)
    return sorted(found)


class Stream:
    """The log of a client."""

    def __init__(self, file: pathlib.Path) -> None:
        self.file = file

    def times(self) -> list[float]:
        return confirmations(self.file.read_bytes().split(b"\n"))

    def goes_on_after(self, at: float) -> bool:
        with self.file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            newest = confirmations(log.read().split(b"\n")[1:])
        return bool(newest) and newest[-1] > at


def longest_gap_ms(times: list[float], begin: float, end: float) -> float:
    """Between two confirmations, or one and the end, as far as it lies between `begin` and `end`."""
    first = max(bisect.bisect_right(times, begin) - 1, 0)
    around = [*times[first:bisect.bisect_left(times, end)], end]
    return max((1000 * (min(b, end) - max(a, begin)) for a, b in zip(around, around[1:])), default=0.0)


def measure(faults: list[Fault], streams: dict[str, Stream], ended: float) -> None:
    for name, stream in streams.items():
        times = stream.times()
        for fault, following in zip(faults, [*faults[1:], None]):
            fault.gaps[name] = longest_gap_ms(times, fault.at, following.at if following else ended)


class Breaker(threading.Thread):
    """Does all of it while clients are at work; each fault only when all is whole again."""

    ALL = ("broker", "worker", "server", "host", "link")

    def __init__(self, cluster: Cluster, streams: dict[str, Stream], tell, wanted: list[str], seed: int) -> None:
        super().__init__(daemon=True)
        self._wanted = wanted
        self._cluster = cluster
        self._streams = streams
        self._tell = tell
        self._random = random.Random(seed)
        self._pause = threading.Event()
        self.faults: list[Fault] = []
        self.trouble = ""

    def run(self) -> None:
        try:
            deeds = {"broker": self._kill_broker, "worker": self._kill_worker, "server": self._kill_server,
                     "host": self._lose_host, "link": self._cut_link}
            for each in self._wanted:
                self._pause.wait(CALM_SECONDS)
                deeds[each]()
                self._await_whole()
            self._pause.wait(CALM_SECONDS)
        except (ClusterError, HostError, OSError) as fault:
            self.trouble = str(fault)
            self._mend_all()

    def _mend_all(self) -> None:
        """Whatever went wrong: what was confirmed until then is in the books."""
        with contextlib.suppress(ClusterError, HostError, OSError):
            for host in HOSTS:
                self._cluster.hosts.mend(host)
                if host not in self._cluster.ups:
                    self._cluster.start_host(host)
            self._cluster.await_whole(WHOLE_SECONDS)

    def _begin(self, name: str, what: str) -> Fault:
        self.faults.append(Fault(name, what, time.monotonic()))
        self._tell(what)
        return self.faults[-1]

    def _host_of(self, process: str) -> str:
        return next(host for host in HOSTS if process in PROCESSES[host])

    def _kill(self, process: str) -> int:
        pid = self._cluster.ups[self._host_of(process)].pid_of(process)
        os.kill(pid, signal.SIGKILL)
        return pid

    def _kill_broker(self) -> None:
        broker, generation = self._cluster.journal_seat()
        fault = self._begin(f"broker {broker}", f"kill -9 of broker {broker}, which has the journal")
        self._kill(broker)
        # Perhaps the same broker, started again.
        self._await(lambda: self._cluster.journal_seat()[1] > generation, "no broker has the journal")
        self._taken_over(fault, f"broker {self._cluster.journal_seat()[0]} has the journal")

    def _kill_worker(self) -> None:
        worker = self._random.choice([name for names in PROCESSES.values() for name in names if name[0] == "n"])
        self._begin(f"worker {worker}", f"kill -9 of worker {worker}")
        self._kill(worker)

    def _kill_server(self) -> None:
        primary = self._cluster.primary()
        pid = self._cluster.postmaster(primary)
        fault = self._begin(f"PostgreSQL of {primary}", f"kill -9 of PostgreSQL on {primary}, which takes writes")
        os.kill(pid, signal.SIGKILL)
        self._await_other_primary(fault, primary)

    def _lose_host(self) -> None:
        primary = self._cluster.primary()
        fault = self._begin(
            f"host {primary}", f"power cut on {primary}: PostgreSQL that takes writes, etcd, broker, worker")
        self._cluster.lose_host(primary)
        self._await_other_primary(fault, primary)
        self._await_clients()
        self._tell(f"{primary} is switched on again")
        self._cluster.start_host(primary)

    def _cut_link(self) -> None:
        primary = self._cluster.primary()
        fault = self._begin(f"link of {primary}", f"the link of {primary}, which takes writes, is cut; all there lives")
        self._cluster.hosts.cut(primary)
        try:
            self._await_other_primary(fault, primary)
            self._await_clients()
        finally:
            self._cluster.hosts.mend(primary)
        self._tell(f"the link of {primary} is mended")

    def _await(self, condition, otherwise: str, seconds: float = PRIMARY_SECONDS) -> None:
        def missing() -> str:
            try:
                return "" if condition() else otherwise
            except ClusterError as fault:
                return str(fault)
        self._cluster.await_true(otherwise, seconds, missing)

    def _await_other_primary(self, fault: Fault, but: str) -> None:
        self._await(lambda: self._cluster.primary(but) not in ("", but), "no other server takes writes")
        self._taken_over(fault, f"{self._cluster.primary(but)} takes writes")

    def _taken_over(self, fault: Fault, by: str) -> None:
        fault.taken_over_after = time.monotonic() - fault.at
        self._tell(f"{by}, {fault.taken_over_after:.1f} s later")

    def _await_clients(self) -> None:
        """Until everybody is served again."""
        now = time.monotonic()
        for name, stream in self._streams.items():
            self._await(lambda stream=stream: stream.goes_on_after(now), f"{name}: nothing is confirmed any more")

    def _await_whole(self) -> None:
        fault = self.faults[-1]
        self._cluster.await_whole(WHOLE_SECONDS)
        self._await_clients()
        fault.whole_after = time.monotonic() - fault.at
        self._tell(f"all is there again, {fault.whole_after:.1f} s after it")
