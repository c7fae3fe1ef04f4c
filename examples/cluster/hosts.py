"""Hosts of one machine: network namespaces with addresses of their own, behind a switch whose links can be
cut. All that runs on a host is found by its namespace, and ended with it."""

import contextlib
import ctypes
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

_CLONE_NEWNET = 0x40000000
# troupe-cluster-PID-HOST: of the process PID, which takes them away at its end.
_NAME = "troupe-cluster-{}-{}"
_OURS = re.compile(r"^troupe-cluster-(\d+)-\w+")
_SWITCH = "switch"
_PREFIX_BITS = 24
_END_SECONDS = 10.0
_POLL_SECONDS = 0.02


class HostError(Exception):
    """A host cannot be made or reached; the text says why."""


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HostError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout


def pids_in(namespace: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split() if int(word) != os.getpid()]


def end_all_in(namespace: str) -> None:
    """SIGKILL for every process of a namespace, those too that one of them has just begun."""
    until = time.monotonic() + _END_SECONDS
    pause = threading.Event()
    while pids := pids_in(namespace):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            raise HostError(f"processes of {namespace} do not end: {pids}")
        pause.wait(_POLL_SECONDS)


def folder_prefix(pid: int) -> str:
    """Of the folder of a run, so that who takes its hosts away finds it, too."""
    return f"troupe-cluster-{pid}-"


def sweep() -> list[str]:
    """Takes away the hosts of earlier runs that were killed before they could. Returns their names."""
    left = {}
    for line in ip("netns", "list").splitlines():
        name = line.split(" ")[0]
        found = _OURS.match(name)
        if found and not pathlib.Path("/proc", found[1]).exists():
            left[name] = int(found[1])
    for name in left:
        end_all_in(name)
    for name in left:
        ip("netns", "del", name)
    for pid in set(left.values()):
        for folder in pathlib.Path(tempfile.gettempdir()).glob(folder_prefix(pid) + "*"):
            shutil.rmtree(folder)
    return list(left)


def reason_to_skip() -> str:
    """Why no hosts can be made here; nothing if they can."""
    probe = _NAME.format(os.getpid(), "probe")
    try:
        ip("netns", "add", probe)
    except (HostError, OSError) as fault:
        return f"no network namespace can be made: {fault}"
    try:
        ip("-n", probe, "link", "add", "br0", "type", "bridge")
    except HostError as fault:
        return f"no bridge can be made: {fault}"
    finally:
        subprocess.run(["ip", "netns", "del", probe], check=False)
    return ""


class Hosts:
    """A switch, which is a namespace too, and a host behind each of its ports."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self._made: list[str] = []
        self._children: list[subprocess.Popen] = []

    def make(self) -> None:
        self._make(_SWITCH)
        ip("-n", self.namespace(_SWITCH), "link", "add", "br0", "type", "bridge")
        ip("-n", self.namespace(_SWITCH), "link", "set", "br0", "up")
        for host, address in self.addresses.items():
            self._make(host)
            ip("-n", self.namespace(_SWITCH), "link", "add", host, "type", "veth", "peer", "name", "eth0",
               "netns", self.namespace(host))
            ip("-n", self.namespace(_SWITCH), "link", "set", host, "master", "br0", "up")
            ip("-n", self.namespace(host), "addr", "add", f"{address}/{_PREFIX_BITS}", "dev", "eth0")
            ip("-n", self.namespace(host), "link", "set", "eth0", "up")

    @staticmethod
    def namespace(host: str) -> str:
        return _NAME.format(os.getpid(), host)

    def _make(self, host: str) -> None:
        ip("netns", "add", self.namespace(host))
        self._made.append(host)
        ip("-n", self.namespace(host), "link", "set", "lo", "up")

    def close(self) -> None:
        """Ends all that runs on the hosts, and takes them away."""
        for host in self._made:
            end_all_in(self.namespace(host))
        for child in self._children:
            child.kill()  # One that had not come to its host yet.
            child.wait()
        while self._made:
            namespace = self.namespace(self._made.pop())
            end_all_in(namespace)
            ip("netns", "del", namespace)

    def run(self, host: str, words: list[str], *, user: str = "", **more) -> subprocess.Popen:
        """A process on a host. What is typed at this terminal (Ctrl-C) is none of its business."""
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        more.setdefault("stdin", subprocess.DEVNULL)
        self._children = [each for each in self._children if each.poll() is None]
        self._children.append(subprocess.Popen(
            ["ip", "netns", "exec", self.namespace(host), *become, *words], start_new_session=True, **more))
        return self._children[-1]

    def cut(self, host: str) -> None:
        """What is sent to or from the host is lost without a word, as when a cable is pulled."""
        ip("-n", self.namespace(_SWITCH), "link", "set", host, "down")

    def mend(self, host: str) -> None:
        ip("-n", self.namespace(_SWITCH), "link", "set", host, "up")

    def end_all(self, host: str) -> int:
        """SIGKILL for all that runs on a host. Returns how many processes that were."""
        count = len(pids_in(self.namespace(host)))
        end_all_in(self.namespace(host))
        return count

    @contextlib.contextmanager
    def _inside(self, host: str):
        """Has the sockets that this thread makes belong to the host."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as home, \
                open(f"/var/run/netns/{self.namespace(host)}", "rb") as there:
            if libc.setns(there.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(home.fileno(), _CLONE_NEWNET)

    def get(self, on: str, host: str, port: int, path: str, seconds: float) -> bytes:
        """What HTTP on `host` answers whoever asks from the host `on`. Throws OSError, HTTPException."""
        with self._inside(on):
            link = socket.create_connection((self.addresses[host], port), seconds)
        asked = http.client.HTTPConnection(self.addresses[host], port, timeout=seconds)
        asked.sock = link
        try:
            asked.request("GET", path)
            return asked.getresponse().read()
        finally:
            asked.close()
