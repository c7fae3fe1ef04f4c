"""The peers: each starts its server, takes loads from a small C program, and stops it. One that is
not installed says what is missing."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

from systems import await_line, compiled, figure, free_port, secured, stop

_STARTS_WITHIN = 60


def _program(name, first="", last=""):
    """Where it is: in a folder given, or on the path."""
    return shutil.which(name, path=os.pathsep.join([first, os.environ.get("PATH", ""), last]))


def lacks(server, server_package, header, package):
    """What is missing of a peer, or nothing."""
    if server is None:
        return f"{server_package} is not installed"
    if shutil.which("cc") is None:
        return "there is no C compiler"
    probe = subprocess.run(["cc", "-fsyntax-only", "-x", "c", "-"], input=f"#include <{header}>\n",
                           text=True, capture_output=True, check=False)
    return f"{package} is not installed" if probe.returncode != 0 else None


def await_port(process, port):
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
    raise RuntimeError(f"{process.args[0]} did not start")


class Nats:
    """nats-server, and the client library's two ways to write."""

    name = "NATS"

    @staticmethod
    def _server():
        return _program("nats-server", last="/usr/sbin")

    @classmethod
    def missing(cls):
        return lacks(cls._server(), "nats-server", "nats/nats.h", "libnats-dev")

    # What the load proves itself with, and who speaks for it in the address.
    proof, user = (), ""

    def __init__(self, given, _folder, *settings):
        self._build = given.build
        self._time = [given.seconds, min(0.5, given.seconds / 3)]
        port = free_port()
        self._url = f"nats://{self.user}127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [self._server(), "-a", "127.0.0.1", "-p", str(port), *settings],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        await_line(self._process, "Server is ready")

    def load(self, mode, window):
        program = compiled("nats_calls.c", self._build, "-lnats")
        line = figure([program, self._url, mode, window, *self._time, *self.proof])
        return line | {"work": "call", "mode": mode}

    def pids(self):
        return [self._process.pid]

    def stop(self):
        stop([self._process])
        self._process.stderr.close()


class SecureNats(Nats):
    """nats-server with TLS, and users who may do what the load does and no more."""

    name = "NATS with TLS"
    user = "bench:secret@"

    @classmethod
    def missing(cls):
        lacking = super().missing()
        return "openssl is not installed" if not lacking and not _program("openssl") else lacking

    def __init__(self, given, folder):
        folder.mkdir()
        key, certificate, settings = folder / "key.pem", folder / "cert.pem", folder / "nats.conf"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-noenc", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        may = '["echo", "_INBOX.>"]'
        settings.write_text(
            f'tls {{cert_file: "{certificate}", key_file: "{key}"}}\n'
            f'authorization {{users: [{{user: bench, password: secret, permissions: '
            f'{{publish: {may}, subscribe: {may}}}}}]}}\n')
        self.proof = (certificate,)
        super().__init__(given, folder, "-c", str(settings))

    def load(self, mode, window):
        return secured(super().load(mode, window))


class JetStream(Nats):
    """A stream of nats-server in a file, which is not flushed before it acknowledges."""

    name = "JetStream"

    def __init__(self, given, folder):
        super().__init__(given, folder, "-js", "-sd", str(folder))

    def event(self, mode, what, window, work):
        program = compiled("nats_events.c", self._build, "-lnats")
        line = figure([program, self._url, mode, what, window, *self._time])
        if what == "paced":
            line["window"] = 0
        return line | {"work": work, "mode": mode}


class _FlushingPeer:
    """A server on a port, whose flushes can be made slower."""

    source, library = "", ""

    def __init__(self, given, preload=None, slow_flush_us=0):
        self._program = compiled(self.source, given.build, self.library)
        self._time = [given.seconds, min(0.5, given.seconds / 3)]
        self._port = free_port()
        self._suffix = ", slow flush" if slow_flush_us else ""
        self._environment = dict(os.environ)
        if preload:
            self._environment |= {"LD_PRELOAD": str(preload), "SLOW_FLUSH_US": str(slow_flush_us)}
        self._processes = []

    def _start(self, *command, environment):
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment)
        self._processes.insert(0, process)
        return process

    def event(self, what, window, work):
        line = figure([self._program, self._port, what, window, *self._time])
        return line | {"work": work + self._suffix}

    def pids(self):
        return [process.pid for process in self._processes]

    def stop(self):
        stop(self._processes)


class RabbitMq(_FlushingPeer):
    """A classic durable queue."""

    name = "RabbitMQ"
    source, library = "rabbitmq_events.c", "-lrabbitmq"

    @staticmethod
    def _server():
        # Here first: what is called so in /usr/sbin wants to be another user.
        return _program("rabbitmq-server", first="/usr/lib/rabbitmq/bin")

    @classmethod
    def missing(cls):
        return lacks(cls._server(), "rabbitmq-server", "amqp.h", "librabbitmq-dev")

    def __init__(self, given, folder, **settings):
        super().__init__(given, **settings)
        folder.mkdir()
        (folder / "plugins").write_text("[].\n")
        names = self._environment | {"ERL_EPMD_PORT": str(free_port()),
                                     "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self._start("epmd", environment={
            name: value for name, value in names.items() if name != "LD_PRELOAD"})
        self._start_servers(folder, names)

    def _start_servers(self, folder, names):
        server = self._start_server(folder, names, "bench@localhost", self._port, folder / "none")
        await_port(server, self._port)

    def _start_server(self, folder, names, node, port, settings):
        return self._start(self._server(), environment=names | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(settings),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1}",
            # The server itself, without a shell around it.
            "RUNNING_UNDER_SYSTEMD": "true"})


class Redis(_FlushingPeer):
    """A stream, with every write flushed before it is answered."""

    name = "Redis"
    source, library = "redis_events.c", "-lhiredis"

    @staticmethod
    def _server():
        return _program("redis-server")

    @classmethod
    def missing(cls):
        return lacks(cls._server(), "redis-server", "hiredis/hiredis.h", "libhiredis-dev")

    def __init__(self, given, folder, **settings):
        super().__init__(given, **settings)
        folder.mkdir()
        server = self._start(
            self._server(), "--bind", "127.0.0.1", "--port", self._port, "--dir", folder,
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no",
            environment=self._environment)
        await_port(server, self._port)
