"""The cluster of this folder on hosts of one machine: its files are installed as README.md says, with other
paths, and its services are started as systemd would."""

import contextlib
import http.client
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time

from hosts import Hosts

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = ("h1", "h2", "h3")
# Where clients and people are: a host that nothing happens to.
OFFICE = "office"
ADDRESSES = {"h1": "10.78.0.1", "h2": "10.78.0.2", "h3": "10.78.0.3", OFFICE: "10.78.0.9"}
PROCESSES = {"h1": ("b1", "n1"), "h2": ("b2", "n2"), "h3": ("b3", "n3")}
PEOPLE = ("operator", "sales", "press")
_USER = "postgres"
_POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
_PATRONI_PORT = 8008
_ASK_SECONDS = 1.0
_POLL_SECONDS = 0.1
_STOP_SECONDS = 30.0


class ClusterError(Exception):
    """The cluster does not do what it should; the text says what."""


def missing_programs() -> list[str]:
    """The Debian packages of programs that are not here."""
    wanted = {"ip": "iproute2", "etcd": "etcd-server", "patroni": "patroni", "openssl": "openssl",
              "setpriv": "util-linux", _POSTGRES / "postgres": "postgresql-15"}
    return [package for program, package in wanted.items() if shutil.which(program) is None]


def replace(text: str, paths: dict[str, object]) -> str:
    """Puts other paths into a file of this folder."""
    for old, new in paths.items():
        text = text.replace(old, str(new))
    return text


def variables_in(file: pathlib.Path, paths: dict[str, object]) -> dict[str, str]:
    """A file of variables, as systemd reads it."""
    return dict(line.split("=", 1) for line in replace(file.read_text(), paths).splitlines()
                if line and not line.startswith("#"))


def run(*words: object, **more) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise ClusterError(f"`{' '.join(map(str, words))}` failed: {done.stderr.strip() or done.stdout}")
    return done.stdout


class Up:
    """`troupe up --host HOST`, and which process is which."""

    def __init__(self, child: subprocess.Popen) -> None:
        self.child = child
        self._changed = threading.Condition()
        self._pids: dict[str, int] = {}
        self.starts = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            with contextlib.suppress(ValueError), self._changed:
                self._take(json.loads(line))
                self._changed.notify_all()

    def _take(self, event: dict) -> None:
        if event.get("event") in ("started", "restarted"):
            self._pids[event["node"]] = event["pid"]
            self.starts += 1
        elif event.get("event") == "exited":
            self._pids.pop(event["node"], None)

    def pid_of(self, name: str, seconds: float = _STOP_SECONDS) -> int:
        with self._changed:
            if not self._changed.wait_for(lambda: name in self._pids, seconds):
                raise ClusterError(f"{name} does not run")
            return self._pids[name]

    def stop(self) -> bool:
        """Whether all stopped in good order."""
        self.child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.child.wait(_STOP_SECONDS) == 0
        return False


class Cluster:
    """Three hosts with everything on them, in a folder of their own."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path, hosts: Hosts) -> None:
        self._programs = programs
        self.folder = folder
        self.hosts = hosts
        self.ups: dict[str, Up] = {}
        self._passwords = {name: secrets.token_hex(16) for name in ("postgres", "replicator", "rest", "troupe")}

    # --- Installing -----------------------------------------------------------------------------

    def install(self) -> None:
        """Puts the files of this folder where their hosts find them."""
        self.folder.chmod(0o711)
        self._make_certificates()
        self._make_keys()
        for host in HOSTS:
            place = self.folder / host
            for name in ("etcd", "databases", "sockets", "patroni", "log"):
                (place / name).mkdir()
                shutil.chown(place / name, _USER, _USER)
            text = replace((HERE / "patroni.yml").read_text(), self._paths(host))
            # A watchdog of this machine is no business of its guests.
            text, count = re.subn(r"^watchdog: \{mode: automatic\}$", "watchdog: {mode: off}", text, flags=re.M)
            if count != 1:
                raise ClusterError("patroni.yml does not say `watchdog: {mode: automatic}` any more")
            (place / "patroni.yml").write_text(text)

    def _paths(self, host: str) -> dict[str, object]:
        place = self.folder / host
        return {"/var/lib/postgresql/15/shop": place / "databases" / "shop",
                "/var/lib/postgresql/patroni.pgpass": place / "patroni" / "pgpass",
                "/var/run/postgresql": place / "sockets",
                "/var/lib/etcd/databases": place / "etcd" / "data",
                "/etc/patroni": place / "tls",
                "/etc/troupe/databases.crt": self.folder / "databases.crt"}

    def _make_certificates(self) -> None:
        """An authority for the servers of the databases, and a certificate for each."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        authority, key = self.folder / "databases.crt", self.folder / "databases.key"
        run("openssl", "req", "-x509", *curve, "-keyout", key, "-out", authority, "-days", 3650, "-subj",
            "/CN=databases of the shop")
        authority.chmod(0o644)
        for host in HOSTS:
            place = self.folder / host / "tls"
            place.mkdir(parents=True)
            run("openssl", "req", "-x509", "-CA", authority, "-CAkey", key, *curve, "-keyout", place / "server.key",
                "-out", place / "server.crt", "-days", 825, "-subj", f"/CN={host}", "-addext",
                f"subjectAltName=IP:{ADDRESSES[host]}")
            (place / "server.key").chmod(0o600)
            for file in place.iterdir():
                shutil.chown(file, _USER, _USER)

    def _make_keys(self) -> None:
        """`troupe keys new` in one place; then each host gets its own secret keys and all public ones."""
        made = self.folder / "made"
        made.mkdir()
        (made / "shop.yaml").write_text(replace((HERE / "shop.yaml").read_text(), self._paths("h1")))
        self.troupe(made, "keys", "new", "shop.yaml")
        for name in PEOPLE[1:]:
            self.troupe(made, "keys", "new", "shop.yaml", "--for", name)
        # The card company is none of the hosts.
        (self.folder / "provider.log").touch()
        owners = {**PROCESSES, OFFICE: PEOPLE}
        for host, names in owners.items():
            place = self.folder / host / "troupe"
            (place / "keys").mkdir(parents=True, mode=0o700)
            (place / "data").mkdir()
            (place / "data" / "provider.log").symlink_to(self.folder / "provider.log")
            shutil.copy(made / "shop.yaml", place)
            for file in (made / "keys").iterdir():
                if file.suffix == ".pub" or file.stem in names:
                    shutil.copy(file, place / "keys")
            passwords = place / "pgpass"
            passwords.write_text(f"*:*:shop:troupe:{self._passwords['troupe']}\n")
            passwords.chmod(0o600)

    def troupe(self, folder: pathlib.Path, *words: str) -> str:
        return run(self._programs / "troupe", *words, cwd=folder)

    # --- Services -------------------------------------------------------------------------------

    def start_databases(self, host: str) -> None:
        """etcd, and Patroni with its server."""
        place = self.folder / host
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(place / "patroni")}
        with (place / "log" / "etcd.log").open("ab") as log:
            self.hosts.run(host, ["etcd"], user=_USER, cwd=place / "etcd", stdout=log, stderr=log,
                           env={**environment, **variables_in(HERE / host / "etcd.env", self._paths(host))})
        with (place / "log" / "patroni.log").open("ab") as log:
            self.hosts.run(
                host, ["patroni", str(place / "patroni.yml")], user=_USER, cwd=place / "patroni", stdout=log,
                stderr=log, env={
                    **environment, **variables_in(HERE / host / "patroni.env", self._paths(host)),
                    "PATRONI_SUPERUSER_PASSWORD": self._passwords["postgres"],
                    "PATRONI_REPLICATION_PASSWORD": self._passwords["replicator"],
                    "PATRONI_RESTAPI_USERNAME": "patroni",
                    "PATRONI_RESTAPI_PASSWORD": self._passwords["rest"]})

    def make_database(self) -> None:
        """The role, and the database of the shop. Beside it the table of the bare writer."""
        self.psql(f"CREATE ROLE troupe LOGIN PASSWORD '{self._passwords['troupe']}';", "postgres")
        self.psql("CREATE DATABASE shop OWNER troupe ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;",
                  "postgres")
        self.psql("CREATE SCHEMA bare AUTHORIZATION troupe; SET ROLE troupe;"
                  "CREATE TABLE bare.written (n BIGINT PRIMARY KEY);")

    def start_troupe(self, host: str) -> None:
        place = self.folder / host / "troupe"
        with (self.folder / host / "log" / "up.log").open("ab") as log:
            self.ups[host] = Up(self.hosts.run(
                host, [str(self._programs / "troupe"), "up", "shop.yaml", "--host", host, "--json"], cwd=place,
                env={**os.environ, "PGPASSFILE": str(place / "pgpass")}, stdout=subprocess.PIPE, stderr=log,
                text=True))

    def stop_troupe(self) -> bool:
        """All hosts at once. Whether all of it stopped in good order."""
        stops: dict[str, bool] = {}
        threads = [threading.Thread(target=lambda at=host, up=up: stops.update({at: up.stop()}))
                   for host, up in self.ups.items()]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return all(stops.values()) and len(stops) == len(HOSTS)

    def lose_host(self, host: str) -> int:
        """Power is lost there: nothing runs any more, and nobody hears why. How many processes that were."""
        self.hosts.cut(host)
        ended = self.hosts.end_all(host)
        self.ups.pop(host).child.wait()
        return ended

    def start_host(self, host: str) -> None:
        self.hosts.mend(host)
        self.start_databases(host)
        self.start_troupe(host)

    # --- How it is ------------------------------------------------------------------------------

    def members(self, but: str = "") -> list[dict]:
        """The servers, as one Patroni that answers has them; none if no one does."""
        for host in HOSTS:
            if host != but:
                with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                    said = self.hosts.get(OFFICE, host, _PATRONI_PORT, "/cluster", _ASK_SECONDS)
                    return json.loads(said)["members"]
        return []

    def primary(self, but: str = "") -> str:
        """The host whose server takes writes; none if nobody knows one. @param but a host that is cut off."""
        return next((each["name"] for each in self.members(but) if each["role"] == "leader"
                     and each["state"] == "running" and each["name"] != but), "")

    def trouble_of_databases(self) -> str:
        """What is not as it should be; nothing if three servers are there and a standby confirms."""
        members = {each["name"]: each for each in self.members()}
        if len(members) < len(HOSTS):
            return f"{len(members)} of {len(HOSTS)} servers"
        roles = sorted(each["role"] for each in members.values())
        if roles != ["leader", "replica", "sync_standby"]:
            return f"servers are {', '.join(roles)}"
        stopped = [each["name"] for each in members.values() if each["state"] not in ("running", "streaming")]
        return f"the server of {', '.join(stopped)} does not run" if stopped else ""

    def trouble_of_troupe(self) -> str:
        """What `troupe status` says is wrong; nothing if all is there."""
        asked = self.hosts.run(
            OFFICE, [str(self._programs / "troupe"), "status", "shop.yaml", "--deadline", "1s"],
            cwd=self.folder / OFFICE / "troupe", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, _ = asked.communicate()
        return "" if asked.returncode == 0 else said or "`troupe status` says nothing"

    def await_true(self, what: str, seconds: float, condition) -> float:
        """Waits until `condition` gives no more words of what is missing. Returns for how long."""
        began = time.monotonic()
        pause = threading.Event()
        while missing := condition():
            if time.monotonic() - began > seconds:
                raise ClusterError(f"{what} within {seconds:.0f} s: {missing}")
            pause.wait(_POLL_SECONDS)
        return time.monotonic() - began

    def await_whole(self, seconds: float) -> float:
        return self.await_true("not everything was there", seconds,
                               lambda: self.trouble_of_databases() or self.trouble_of_troupe())

    def journal_seat(self) -> tuple[str, int]:
        """The broker that has the journal, and how often it was taken."""
        name, generation = self.psql("SELECT owner_name, generation FROM troupe_journal.journal;")[0].split("|")
        return name, int(generation)

    def psql(self, script: str, database: str = "shop") -> list[str]:
        """The lines that a script answers on the primary; every one of its statements must work."""
        primary = self.primary()
        if not primary:
            raise ClusterError("no server takes writes")
        who = pwd.getpwnam(_USER)
        return run(_POSTGRES / "psql", "-h", self.folder / primary / "sockets", "-U", _USER, "-d", database, "-X",
                   "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-", input=script, user=who.pw_uid,
                   group=who.pw_gid, extra_groups=[], cwd="/").splitlines()

    def postmaster(self, host: str) -> int:
        """The process of the server on a host."""
        return int((self.folder / host / "databases" / "shop" / "postmaster.pid").read_text().split("\n", 1)[0])

    # --- Clients in the office ------------------------------------------------------------------

    def client(self, program: str, person: str, *words: str) -> list[str]:
        """The command line of a client of the shop with the key of `person`. It is attached to the broker that
        has the journal, if one has it."""
        brokers = re.findall(r'(b\d): \{host: \w+, listen: "([^"]+)"', (HERE / "shop.yaml").read_text())
        owner, _ = self.journal_seat()
        brokers.sort(key=lambda each: each[0] != owner)
        return [str(self._programs / program), "--keys", str(self.folder / OFFICE / "troupe" / "keys"), "--as",
                person, *(word for name, at in brokers for word in ("--broker", f"{name}={at}")), *words]

    @property
    def database_url(self) -> str:
        """As Troupe has it."""
        text = replace((HERE / "shop.yaml").read_text(), self._paths("h1"))
        return re.search(r'^store: "([^"]+)"$', text, re.MULTILINE)[1]

    @property
    def pgpass(self) -> pathlib.Path:
        return self.folder / OFFICE / "troupe" / "pgpass"
