"""Judges from npm at the versions of a lock file, in the build folder; skipped where there is no npm."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
BUILT = pathlib.Path(os.environ["TROUPE_BIN"]).parent / "judges"
# For an installation, and to wait for that of another test: less than any of these tests may take, since a registry
# that does not answer is no fault of ours.
INSTALL_SECONDS = int(os.environ.get("TROUPE_JUDGES_WITHIN", "40"))


def skip(why: str) -> None:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def need(name: str) -> pathlib.Path:
    """The folder in which Node.js finds the packages of tests/judges/NAME; installs them where that has not
    been done. Ends the test as skipped if it cannot be done."""
    if not shutil.which("node") or not shutil.which("npm"):
        skip("there is no Node.js with npm (Debian: nodejs, npm)")
    folder = BUILT / name
    folder.mkdir(parents=True, exist_ok=True)
    with _in_time(), open(folder / ".installing", "w", encoding="utf-8") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # Tests run beside each other.
        wanted = (HERE / name / "package-lock.json").read_bytes()
        installed = folder / ".installed"
        if not installed.exists() or installed.read_bytes() != wanted:
            _install(name, folder)
            installed.write_bytes(wanted)
    return folder


@contextlib.contextmanager
def _in_time():
    """Ends the test as skipped if what is inside takes too long."""
    def give_up(*_: object) -> None:
        skip(f"npm did not end within {INSTALL_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(INSTALL_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _install(name: str, folder: pathlib.Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name / file, folder)
    # Ends with the test: subprocess kills what it runs when it is left by an exception.
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                          cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        skip(f"npm cannot install tests/judges/{name}: {done.stderr.strip()[-300:]}")


def run_node(folder: pathlib.Path, script: str, text: str) -> str:
    """What CommonJS `script`, given `text` on its stdin, prints."""
    done = subprocess.run(["node", "-e", script], cwd=folder, input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"Node.js ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
