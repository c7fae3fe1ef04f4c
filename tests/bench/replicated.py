"""The benchmark of what is kept on a server, or on several machines: what is measured, and which bars there are.

server      one PostgreSQL server. `publish`: Troupe's journal there, beside a bare libpq loop that inserts
            as many rows at once by `unnest` and does nothing else. `command`: a write-only command that is
            committed there, beside a bare pipelined transaction of as many inserts.
replicated  published and confirmed once two machines have it: Troupe with a PostgreSQL server and a
            synchronous standby, which flushes it, too; a JetStream stream of three replicas, which
            acknowledges before it flushes; a RabbitMQ quorum queue on three nodes. All of it on this machine.
"""

import pathlib
import pwd
import subprocess
import sys

from peers import JetStream, RabbitMq, await_port, lacks
from series import ask, bar, say
from systems import Troupe, await_line, compiled, figure, free_port, stop

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))

from postgres_server import PostgresServer, PostgresStandby, programs  # noqa: E402

REPLICATED_PARTS = ("server", "replicated")
WINDOWS = (64, 1000)
# The most messages of a turn; a transaction of as many costs no more for each than one of 1,000.
TURN = 256
PEERS_TIMES = 3
_BARE = "bare libpq"


def _free_of_test_settings():
    """What a server in use would have: its tests run with less memory."""
    return {"shared_buffers": "256MB", "max_wal_size": "4GB"}


class BarePostgres:
    """A server, and libpq's loop against it."""

    name = "PostgreSQL"
    has_standby = False

    @classmethod
    def missing(cls):
        if programs() is None:
            return "postgresql-15 is not installed"
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "there is no user `postgres`"
        return lacks("postgres", "postgresql-15", "postgresql/libpq-fe.h", "libpq-dev")

    def __init__(self, given, _folder):
        self._build = given.build
        self._time = [given.seconds, min(0.5, given.seconds / 3)]
        self.server = PostgresServer(parent=given.data, **_free_of_test_settings())

    def load(self, what, window, work, shown):
        program = compiled("postgres_rows.c", self._build, "-I/usr/include/postgresql", "-lpq")
        line = figure([program, self.server.url, what, window, *self._time])
        return line | {"work": work, "window": shown}

    def pids(self):
        return [pid for server in (self.server,) for pid in server.pids()]

    def stop(self):
        self.server.close()


class TroupeOnServer(Troupe):
    """Journal and databases on a server, with or without a standby that commits wait for."""

    def __init__(self, given, folder, topology, standby=False):
        self._servers = [PostgresServer(parent=given.data, **_free_of_test_settings())]
        self._name = ", standby" if standby else ", server"
        if standby:
            self._servers.append(PostgresStandby(
                self._servers[0], parent=given.data, **_free_of_test_settings()))
            self._servers[0].psql(
                "ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf();")
        url = self._servers[0].url
        super().__init__(given, folder, topology, more=f'store: "{url}"\nevents: {{journal: "{url}"}}\n')

    def load(self, system, operation, window):
        line = super().load(system, operation, window)
        return line | {"system": line["system"] + self._name}

    def publish(self, system, window):
        line = super().publish(system, window)
        return line | {"system": line["system"] + self._name}

    def pids(self):
        return super().pids() + [pid for server in self._servers for pid in server.pids()]

    def stop(self):
        super().stop()
        for server in self._servers:
            server.close()


class JetStreamOfThree(JetStream):
    """A stream with a replica on each of three servers."""

    name = "JetStream R3"

    def __init__(self, given, folder):
        folder.mkdir()
        self._build = given.build
        self._time = [given.seconds, min(0.5, given.seconds / 3)]
        links = [free_port() for _ in range(PEERS_TIMES)]
        ports = [free_port() for _ in range(PEERS_TIMES)]
        self._processes = []
        for number, (port, link) in enumerate(zip(ports, links)):
            self._processes.append(subprocess.Popen(
                [self._server(), "-a", "127.0.0.1", "-p", str(port), "--name", f"s{number}",
                 "-js", "-sd", str(folder / f"s{number}"), "--cluster_name", "bench",
                 "--cluster", f"nats://127.0.0.1:{link}",
                 "--routes", ",".join(f"nats://127.0.0.1:{each}" for each in links)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        for process in self._processes:
            await_line(process, "Server is ready")
        self._url = f"nats://127.0.0.1:{ports[0]}"

    def event(self, mode, what, window, work):
        program = compiled("nats_events.c", self._build, "-lnats")
        line = figure([program, self._url, mode, what, window, *self._time, PEERS_TIMES])
        return line | {"work": work, "mode": mode, "system": "jetstream R3"}

    def pids(self):
        return [process.pid for process in self._processes]

    def stop(self):
        stop(self._processes)
        for process in self._processes:
            process.stderr.close()


class RabbitMqOfThree(RabbitMq):
    """A quorum queue with a member on each of three nodes."""

    name = "RabbitMQ quorum"

    def _start_servers(self, folder, names):
        nodes = [f"bench{number}@localhost" for number in range(PEERS_TIMES)]
        settings = folder / "rabbitmq.conf"
        settings.write_text("\n".join([
            "cluster_formation.peer_discovery_backend = classic_config",
            "cluster_formation.randomized_startup_delay_range.min = 0",
            "cluster_formation.randomized_startup_delay_range.max = 1",
            *(f"cluster_formation.classic_config.nodes.{number} = {node}"
              for number, node in enumerate(nodes, 1))]) + "\n")
        # A node listens once it has joined those before it.
        for number, node in enumerate(nodes):
            port = self._port if number == 0 else free_port()
            await_port(self._start_server(folder, names, node, port, settings), port)

    def event(self, what, window, work):
        line = figure([self._program, self._port, what, window, *self._time, "quorum", PEERS_TIMES])
        return line | {"work": work, "system": "rabbitmq quorum"}


def replicated_steps(given):
    parts = given.part or REPLICATED_PARTS
    makers = {"server": _server_steps, "replicated": _replicated_steps}
    return [step for part in REPLICATED_PARTS if part in parts for step in makers[part](given)]


def _server_steps(given):
    if BarePostgres.missing():
        return []
    on_server = {"named": "on a server", "topology": "turns"}
    steps = []
    for window in WINDOWS:
        steps += [ask(given, BarePostgres, "rows", window, "publish", window, named="bare"),
                  ask(given, TroupeOnServer, "troupe", window, do="publish", **on_server)]
    return [*steps,
            ask(given, BarePostgres, "turns", TURN, "command", 1000, named="bare"),
            ask(given, TroupeOnServer, "troupe", "notes.add", 1000, **on_server)]


def _replicated_steps(given):
    steps = []
    for window in WINDOWS:
        if BarePostgres.missing() is None:
            steps.append(ask(given, TroupeOnServer, "troupe", window, do="publish", topology="turns",
                             standby=True, named="with a standby"))
        if JetStreamOfThree.missing() is None:
            steps += [ask(given, JetStreamOfThree, mode, "publish", window, "publish", do="event")
                      for mode in ("asap", "flusher")]
        if RabbitMqOfThree.missing() is None:
            steps.append(ask(given, RabbitMqOfThree, "publish", window, "publish", do="event"))
    return steps


def replicated_bars(series):
    for window in WINDOWS:
        bar(f"journal on a server / bare unnest at {window}",
            series.ratio(("troupe, server", "publish", window), (_BARE, "publish", window)), 0.7)
    bar(f"committed write-only commands at 1000 / bare pipelined transaction of {TURN}",
        series.ratio(("troupe, server", "command", 1000), (_BARE, "command", 1000)), 0.6)
    for window, bound in ((64, 1), (1000, 2)):
        bar(f"publish with a synchronous standby / JetStream R3 at {window}",
            series.ratio(("troupe, standby", "publish", window), ("jetstream R3", "publish", window)), bound)
    for window in WINDOWS:
        bar(f"publish with a synchronous standby / RabbitMQ quorum at {window}",
            series.ratio(("troupe, standby", "publish", window), ("rabbitmq quorum", "publish", window)), 1)
    say("  JetStream acknowledges before it flushes")
