"""What the gateway is measured beside: moleculer-web, and nginx with and without a Node.js server."""

import contextlib
import functools
import http.client
import json
import pathlib
import shutil
import sqlite3
import subprocess
import time
import uuid

from idle_connections import IDLE, IdleConnections, raise_open_files
from peers import await_port
from series import say
from systems import free_port, stop
from wrk import Wrk, wrk_missing

_NODE = pathlib.Path(__file__).parent / "node"
_USERS = 100

_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 60s;
{upstream}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ {answer} }}
  }}
}}
"""
_UPSTREAM = """\
  upstream node {{
    server 127.0.0.1:{port};
    keepalive 1024;
    keepalive_requests 100000000;
  }}
"""
_PROXY = 'proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection "";'
_STATIC = "default_type application/json; return 200 '{body}';"


def await_answer(process, port, path):
    """Asks for `path` until something but a failure on the way is answered."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < 500:
                return
        except OSError:
            pass
        finally:
            connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer for {path}")


def _nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class _Packages:
    """Those of node/package-lock.json, installed once in the folder of builds."""

    folder = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench_node"

    @classmethod
    @functools.cache
    def missing(cls):
        if not shutil.which("node") or not shutil.which("npm"):
            return "there is no Node.js with npm"
        cls.folder.mkdir(parents=True, exist_ok=True)
        for file in _NODE.iterdir():
            shutil.copy(file, cls.folder)
        wanted = (_NODE / "package-lock.json").read_text(encoding="utf-8")
        installed = cls.folder / ".installed"
        if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
            return None
        say("installing what Node.js needs; better-sqlite3 is built, which takes minutes")
        # Its binaries are in no registry of npm. Headers that came with Node.js spare a download.
        home = pathlib.Path(shutil.which("node")).resolve().parents[1]
        headers = [f"--nodedir={home}"] if (home / "include/node/node.h").exists() else []
        for command in (["ci", "--ignore-scripts"],
                        ["rebuild", "better-sqlite3", "--build-from-source", *headers]):
            done = subprocess.run(["npm", *command, "--no-audit", "--no-fund"], cwd=cls.folder,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"npm {command[0]} failed: {done.stderr.strip()[-300:]}"
        installed.write_text(wanted, encoding="utf-8")
        return None


class _WebPeer:
    """Processes behind one port, which answer for the users of a database."""

    name, system = "", ""

    def __init__(self, given, folder):
        folder.mkdir()
        self._folder = folder
        self._processes = []
        self._users = folder / "users"
        self._file = folder / "users.db"
        ids = [str(uuid.uuid4()) for _ in range(_USERS)]
        self._users.write_text("\n".join(ids) + "\n")
        with sqlite3.connect(self._file) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE users (user_id TEXT PRIMARY KEY, email TEXT UNIQUE, name TEXT)")
            database.executemany("INSERT INTO users VALUES (?, ?, ?)", [
                (one, f"user-{n}@bench.example", f"User {n}") for n, one in enumerate(ids)])
        database.close()
        self._port = free_port()
        self._wrk = Wrk(given, self._port)
        try:
            self._run(ids[0])
        except BaseException:
            self.stop()
            raise

    def _run(self, first):
        raise NotImplementedError

    def _start(self, *command, port=None):
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._processes.insert(0, process)
        if port is not None:
            await_port(process, port)

    def _start_nginx(self, answer, upstream=""):
        file = self._folder / "nginx.conf"
        file.write_text(_NGINX.format(
            folder=self._folder, port=self._port, answer=answer, upstream=upstream))
        self._start(_nginx(), "-c", file, "-e", self._folder / "error.log", port=self._port)

    def get(self, connections):
        pids = {str(pid): pid for pid in self.pids()}
        return self._wrk.load(self.system, "GET", connections, pids, "get", self._users)

    def get_beside_idle(self, connections):
        with IdleConnections(self._port, self._users.read_text().split()[0]) as idle:
            line = self.get(connections)
            return line | {"work": f"GET, {IDLE:,} idle", "failures": line["failures"] + idle.closed()}

    def pids(self):
        return [process.pid for process in self._processes]

    def stop(self):
        stop(self._processes)


class NginxStatic(_WebPeer):
    name, system = "nginx", "nginx"

    @classmethod
    def missing(cls):
        return wrk_missing() or (None if _nginx() else "nginx is not installed")

    def _run(self, first):
        raise_open_files()
        body = {"user_id": first, "email": "user-0@bench.example", "name": "User 0"}
        self._start_nginx(_STATIC.format(body=json.dumps(body)))


class NginxAndNode(_WebPeer):
    name, system = "nginx with Node.js", "nginx+node"

    @classmethod
    def missing(cls):
        return NginxStatic.missing() or _Packages.missing()

    def _run(self, first):
        port = free_port()
        self._start("node", _Packages.folder / "users_over_http.cjs", port, self._file, port=port)
        self._start_nginx(_PROXY, _UPSTREAM.format(port=port))


class MoleculerWeb(_WebPeer):
    name, system = "moleculer-web", "moleculer-web"

    @classmethod
    def missing(cls):
        return wrk_missing() or _Packages.missing()

    def _run(self, first):
        ports = f"{free_port()},{free_port()}"
        script = _Packages.folder / "moleculer_node.cjs"
        self._start("node", script, "users", ports, self._file)
        self._start("node", script, "api", ports, self._port, port=self._port)
        await_answer(self._processes[0], self._port, f"/api/users/{first}")
