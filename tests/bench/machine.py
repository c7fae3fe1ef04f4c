"""What the benchmarks ask of the machine: one processor for all, and who else is busy."""

import contextlib
import os
import resource
import time

_TICK = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def pinned_to(processor):
    """Keeps this process, and all it starts meanwhile, on one processor; None: on any."""
    before = os.sched_getaffinity(0)
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _busy_seconds(processor):
    name = "cpu" if processor is None else f"cpu{processor}"
    with open("/proc/stat", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(name + " "):
                user, nice, system, _, _, irq, soft, steal = map(int, line.split()[1:9])
                return (user + nice + system + irq + soft + steal) / _TICK
    return 0.0


def used_by(pid):
    """Processor seconds, of all its threads."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    except (OSError, IndexError):
        return 0.0


def memory_mb(pid):
    """Resident, in millions of bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as sizes:
        return int(sizes.read().split()[1]) * resource.getpagesize() / 1e6


def _used_here():
    return sum(usage.ru_utime + usage.ru_stime for usage in (
        resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


class ForeignCpu:
    """How much of the machine, or of one processor, others used since this was made."""

    def __init__(self, processor):
        self._processor = processor
        self._began = time.monotonic()
        self._busy = _busy_seconds(processor)
        self._ours = _used_here()

    def processors(self):
        return os.cpu_count() if self._processor is None else 1

    def cores(self, running):
        """@param running: our processes that were started since, and still run."""
        ours = _used_here() - self._ours + sum(map(used_by, running))
        busy = _busy_seconds(self._processor) - self._busy
        return max(0.0, busy - ours) / (time.monotonic() - self._began)
