"""The systems that are measured: each starts its processes, takes loads, and stops them."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

_HERE = pathlib.Path(__file__).parent
_STOP_WITHIN = 10

# What each operation is called in the figures.
_WORKS = {"echo.echo": "call", "notes.add": "command", "order_saga.place": "saga"}

# Room for every window, so that nothing is refused.
_TOPOLOGY = """\
troupe: 1
name: bench
brokers: {{b1: {{listen: "tcp://127.0.0.1:{port}"}}}}
nodes: {{n1: {{}}}}
limits: {{body: 64KiB, memory: 16GiB}}
defaults:
  bulkhead: {{in_flight: 2048, queue: 20000}}
capabilities:
"""

_CAPABILITIES = {
    "calls": "  echo: {store: none}\n",
    "turns": "  echo: {store: none}\n  notes: {}\n",
    "sagas": """\
  inventory: {}
  payments:
    effects: {threads: 4}
    config: {provider: {simulated: {decline_over: 0, latency: 0ms, fail_every: 0}}}
  orders: {}
  order_saga: {}
""",
}


def compiled(source, folder, *flags):
    """A small C program of this folder, built into `folder` unless it is there; its path."""
    target = folder / source.removesuffix(".c")
    if not target.exists():
        subprocess.run(["cc", "-O2", "-o", target, _HERE / source, *flags], check=True)
    return target


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stop(processes):
    """In order. What does not end in time is killed."""
    for process in processes:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_line(process, words):
    """Reads what `process` says on stderr until a line holds `words`."""
    said = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            return
    raise RuntimeError(f"{process.args[0]} did not start:\n{''.join(said)}")


def _figure(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stderr}")
    return json.loads(done.stdout)


class _Loader:
    def __init__(self, given):
        self._program = given.bin / "troupe-bench"
        self._time = ["--seconds", given.seconds, "--warm-up", min(0.5, given.seconds / 3)]

    def figure(self, system, window, *more):
        return _figure([self._program, system, "--window", window, *self._time, *more])


class Reference:
    """Bare ZeroMQ: its processes live as long as one load."""

    def __init__(self, given, _folder):
        self._loader = _Loader(given)

    def load(self, system, window):
        return self._loader.figure(system, window) | {"work": "call"}

    def pids(self):
        return []

    def stop(self):
        pass


class Troupe:
    """One broker and one worker, with databases of their own."""

    def __init__(self, given, folder, topology, preload=None, slow_flush_us=0):
        self._loader = _Loader(given)
        self._suffix = ", slow flush" if preload else ""
        folder.mkdir()
        port = _free_port()
        self.broker = f"tcp://127.0.0.1:{port}"
        file = folder / "topology.yaml"
        file.write_text(_TOPOLOGY.format(port=port) + _CAPABILITIES[topology])
        self._log = (folder / "log").open("w+")
        environment = dict(os.environ)
        if preload:
            environment |= {"LD_PRELOAD": str(preload), "SLOW_FLUSH_US": str(slow_flush_us)}
        # The worker first: it finds the broker as soon as there is one, and stops before it.
        self._processes = []
        for program, node in (("troupe-broker", "b1"), ("troupe-worker", "n1")):
            self._processes.insert(0, subprocess.Popen(
                [given.bin / program, file, "--node", node], stdin=subprocess.DEVNULL,
                stdout=self._log, stderr=self._log, env=environment))

    def load(self, system, operation, window):
        # The first call waits until broker and worker are up.
        try:
            line = self._loader.figure(system, window, "--broker", self.broker, "--call", operation)
        except RuntimeError as fault:
            self._log.seek(0)
            raise RuntimeError(f"{fault}\nof the nodes' log:\n{self._log.read()[-4000:]}") from None
        return line | {"work": _WORKS[operation] + self._suffix}

    def pids(self):
        return [process.pid for process in self._processes]

    def stop(self):
        _stop(self._processes)
        self._log.close()


class Nats:
    """nats-server, and the client library's two ways to write."""

    @staticmethod
    def _server():
        return shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin")

    @classmethod
    def missing(cls):
        """What is not installed, or nothing."""
        if cls._server() is None:
            return "nats-server is not installed"
        if not any(pathlib.Path(folder, "nats/nats.h").exists()
                   for folder in ("/usr/include", "/usr/local/include")):
            return "libnats-dev is not installed"
        if shutil.which("cc") is None:
            return "there is no C compiler"
        return None

    def __init__(self, given, _folder):
        self._program = compiled("nats_calls.c", given.build, "-lnats")
        self._time = [given.seconds, min(0.5, given.seconds / 3)]
        port = _free_port()
        self._url = f"nats://127.0.0.1:{port}"
        self._server_process = subprocess.Popen(
            [self._server(), "-a", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        _await_line(self._server_process, "Server is ready")

    def load(self, mode, window):
        line = _figure([self._program, self._url, mode, window, *self._time])
        return line | {"work": "call", "mode": mode}

    def pids(self):
        return [self._server_process.pid]

    def stop(self):
        _stop([self._server_process])
        self._server_process.stderr.close()
