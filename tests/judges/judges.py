"""Judges from npm at the versions of a lock file, in the build folder; skipped where there is no npm."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
BUILT = pathlib.Path(os.environ["TROUPE_BIN"]).parent / "judges"


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
    with open(folder / ".installing", "w", encoding="utf-8") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # Tests run beside each other.
        wanted = (HERE / name / "package-lock.json").read_bytes()
        installed = folder / ".installed"
        if not installed.exists() or installed.read_bytes() != wanted:
            _install(name, folder)
            installed.write_bytes(wanted)
    return folder


def _install(name: str, folder: pathlib.Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name / file, folder)
    try:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                              cwd=folder, capture_output=True, text=True, timeout=150, check=False)
    except subprocess.TimeoutExpired:
        skip("npm did not end within 150 s")
    if done.returncode:
        skip(f"npm cannot install tests/judges/{name}: {done.stderr.strip()[-300:]}")


def run_node(folder: pathlib.Path, script: str, text: str) -> str:
    """What CommonJS `script`, given `text` on its stdin, prints."""
    done = subprocess.run(["node", "-e", script], cwd=folder, input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"Node.js ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
