"""The systems that are measured: each starts its processes, takes loads, and stops them."""

import json
import os
import pathlib
import socket
import statistics
import struct
import subprocess

from machine import used_by

_HERE = pathlib.Path(__file__).parent
_STOP_WITHIN = 10

# Ordering keys of the events, so that every partition has some.
KEYS = 1000

# What each operation is called in the figures.
_WORKS = {"echo.echo": "call", "notes.add": "command", "order_saga.place": "saga"}

# Room for every window, so that nothing is refused.
_TOPOLOGY = """\
troupe: 1
name: bench
brokers: {{b1: {{listen: "tcp://127.0.0.1:{port}"}}}}
nodes: {{n1: {{}}, n2: {{}}}} # n2 is never started.
limits: {{body: 64KiB, memory: 16GiB}}
defaults:
  bulkhead: {{in_flight: 2048, queue: 20000}}
capabilities:
"""

_LISTENER = "  notes: {nodes: [n1], subscribes: [note.added]}\n"
_DOWN = """\
  down_{n}:
    actor: notes
    nodes: [n2]
    subscribes: [note.other_{n}]
    bulkhead: {{in_flight: 1, queue: 1}}
"""
_SHOP = """\
  inventory: {nodes: [n1]}
  payments:
    nodes: [n1]
    effects: {threads: 4}
    config: {provider: {simulated: {decline_over: 0, latency: 0ms, fail_every: 0}}}
  orders: {nodes: [n1]}
  order_saga: {nodes: [n1]}
"""
_CAPABILITIES = {
    "calls": "  echo: {nodes: [n1], store: none}\n",
    "turns": "  echo: {nodes: [n1], store: none}\n  notes: {nodes: [n1]}\n",
    "sagas": _SHOP,
    "web": _SHOP + "  users: {nodes: [n1]}\n",
    "events": _LISTENER,
    "telling": "  notes: {nodes: [n1], subscribes: [note.added], config: {tell: true}}\n",
    "one down": _LISTENER + _DOWN.format(n=1),
    "many": _LISTENER + "".join(_DOWN.format(n=n) for n in range(1, 1000)),
}


def compiled(source, folder, *flags):
    """A small C program of this folder, built into `folder` unless it is there; its path."""
    target = folder / source.removesuffix(".c")
    if not target.exists():
        subprocess.run(["cc", "-O2", "-o", target, _HERE / source, *flags], check=True)
    return target


_ports_given = set()


def free_port():
    """A port that is free and was not given before: the system may give one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _ports_given:
            _ports_given.add(port)
            return port


def stop(processes):
    """In order. What does not end in time is killed."""
    for process in processes:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_line(process, words):
    """Reads what `process` says on stderr until a line holds `words`."""
    said = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            return
    raise RuntimeError(f"{process.args[0]} did not start:\n{''.join(said)}")


def figure(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stderr}")
    return json.loads(done.stdout)


def _flushes(file):
    """What flush_gauge.c counted: how many, and how long the last 65,536 took, in nanoseconds."""
    data = file.read_bytes()
    count, = struct.unpack_from("<Q", data)
    return count, struct.unpack_from(f"<{min(count, 65536)}I", data, 8)


class _Loader:
    def __init__(self, given):
        self._program = given.bin / "troupe-bench"
        self._time = ["--seconds", given.seconds, "--warm-up", min(0.5, given.seconds / 3)]

    def figure(self, system, window, *more):
        return figure([self._program, system, "--window", window, *self._time, *more])


# Behind the name of a system whose links have keys.
SECURE = ", secure"


def secured(line):
    return line | {"system": line["system"] + SECURE}


class Reference:
    """Bare ZeroMQ: its processes live as long as one load."""

    def __init__(self, given, _folder):
        self._loader = _Loader(given)

    def load(self, system, window):
        return self._loader.figure(system, window) | {"work": "call"}

    def load_secured(self, system, window):
        """With CURVE, and everybody let in who knows the server's key."""
        return secured(self._loader.figure(system, window, "--curve") | {"work": "call"})

    def pids(self):
        return []

    def stop(self):
        pass


class Troupe:
    """One broker and one worker, with databases of their own."""

    def __init__(self, given, folder, topology, preload=None, slow_flush_us=0, counts=False,
                 more="", more_programs=()):
        """@param preload: flush_gauge.c, compiled. @param counts: have it count flushes.
        @param more: of the topology. @param more_programs: each with its node there."""
        self._loader = _Loader(given)
        self._suffix = ", slow flush" if slow_flush_us else ""
        folder.mkdir()
        port = free_port()
        self.broker = f"tcp://127.0.0.1:{port}"
        file = folder / "topology.yaml"
        file.write_text(_TOPOLOGY.format(port=port) + _CAPABILITIES[topology] + more)
        self._prove(given, file)
        self._log = (folder / "log").open("w+")
        # The worker first: it finds the broker as soon as there is one, and stops before it.
        self._processes = []
        self._counts = []
        for program, node in (("troupe-broker", "b1"), ("troupe-worker", "n1"), *more_programs):
            environment = dict(os.environ)
            if preload:
                environment |= {"LD_PRELOAD": str(preload), "SLOW_FLUSH_US": str(slow_flush_us)}
            if counts:
                self._counts.insert(0, folder / f"{node}.flushes")
                environment |= {"FLUSH_COUNTS": str(self._counts[0])}
            self._processes.insert(0, subprocess.Popen(
                [given.bin / program, file, "--node", node], stdin=subprocess.DEVNULL,
                stdout=self._log, stderr=self._log, env=environment))

    def _prove(self, given, file):
        """Makes what the load and the nodes of this topology prove themselves with."""
        self._proof = ()

    def _figure(self, system, window, *more):
        # The first call waits until broker and worker are up.
        try:
            return self._loader.figure(system, window, "--broker", self.broker, *self._proof, *more)
        except RuntimeError as fault:
            self._log.seek(0)
            raise RuntimeError(f"{fault}\nof the nodes' log:\n{self._log.read()[-4000:]}") from None

    def load(self, system, operation, window):
        line = self._figure(system, window, "--call", operation)
        return line | {"work": _WORKS[operation] + self._suffix}

    def publish(self, system, window):
        """Publishes what nobody subscribes to, confirmed once it is on disk."""
        line = self._figure(system, window, "--publish", "other.added", "--keys", KEYS)
        return line | {"work": "publish" + self._suffix}

    def handle(self, window, work="publish to handled"):
        """Publishes until all are handled; what that costs broker and worker, in processor time."""
        before = [used_by(pid) for pid in self.pids()]
        line = self._figure("troupe", window, "--publish", "note.added", "--keys", KEYS,
                            "--until", "handled")
        after = [used_by(pid) for pid in self.pids()]
        worker, broker = ((b - a) * 1e6 / max(1, line["events"]) for a, b in zip(before, after))
        return line | {"work": work + self._suffix, "broker_cpu_us": broker,
                       "worker_cpu_us": worker}

    def tell(self):
        """Publishes 1,000 a second until a follower was told that each was handled."""
        self._figure("troupe", 1, "--publish", "note.added", "--until", "handled", "--count", 1)
        before = [_flushes(file)[0] for file in self._counts]  # What starting takes is in these.
        line = self._figure("troupe", 1, "--publish", "note.added", "--keys", KEYS,
                            "--until", "told", "--rate", 1000)
        line |= {"work": "publish to told, 1000/s" + self._suffix, "window": 0}
        if self._counts:
            (worker, _), (broker, nanos) = map(_flushes, self._counts)
            line |= {"worker_flushes": (worker - before[0]) / line["events"],
                     "broker_flushes": (broker - before[1]) / line["events"],
                     "flush_us": statistics.median(nanos) / 1e3}
        return line

    def fill(self, topic, count):
        """Publishes so many; gives no figure."""
        line = self._figure("troupe", 1000, "--publish", topic, "--keys", KEYS, "--count", count)
        if line["failures"]:
            raise RuntimeError(f"{line['failures']} publishes failed: {line['first_failure']}")

    def pids(self):
        return [process.pid for process in self._processes]

    def stop(self):
        stop(self._processes)
        self._log.close()


class SecureTroupe(Troupe):
    """The same with keys on each link, and rules for who may call what."""

    def __init__(self, given, folder, topology):
        super().__init__(given, folder, topology, more=(
            "security: {allow: {bench: {call: [echo.*]}, operator: {call: [troupe.*]}}}\n"))

    def _prove(self, given, file):
        for names in ((), ("--for", "bench")):
            subprocess.run([given.bin / "troupe", "keys", "new", file, *names],
                           capture_output=True, check=True)
        self._proof = ("--keys-of-links", file.parent / "keys")

    def load(self, system, operation, window):
        return secured(super().load(system, operation, window))


class TracedTroupe(Troupe):
    """The same with a share of the calls recorded as traces."""

    def __init__(self, given, folder, topology, share):
        self._share = share
        super().__init__(given, folder, topology, more=f"traces: {{sample: {share}}}\n")

    def load(self, system, operation, window):
        line = super().load(system, operation, window)
        return line | {"system": f"{line['system']}, {traced(self._share)}"}


def traced(share):
    return f"{share * 100:g} % traced"
