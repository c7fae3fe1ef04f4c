"""Judges from npm, installed into the build folder at a fixed version; skipped where there is no npm."""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
FOLDER = pathlib.Path(os.environ["TROUPE_BIN"]).parent / "judges"


def skip(why: str) -> None:
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def need(*packages: str) -> pathlib.Path:
    """The folder in which Node.js finds `packages`, each "NAME@VERSION". Ends the test if it cannot be made."""
    if not shutil.which("node") or not shutil.which("npm"):
        skip("there is no Node.js with npm (Debian: nodejs, npm)")
    FOLDER.mkdir(exist_ok=True)
    missing = [each for each in packages
               if not (FOLDER / "node_modules" / each.rsplit("@", 1)[0]).is_dir()]
    if missing:
        (FOLDER / "package.json").write_text('{"private": true}\n')
        try:
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages],
                cwd=FOLDER, capture_output=True, text=True, timeout=150, check=False)
        except subprocess.TimeoutExpired:
            skip("npm did not end within 150 s")
        if done.returncode:
            skip("npm cannot install " + " ".join(missing) + ": " + done.stderr.strip()[-300:])
    return FOLDER


def run_node(folder: pathlib.Path, script: str, text: str) -> subprocess.CompletedProcess:
    """Runs CommonJS `script` with `text` on its stdin."""
    return subprocess.run(["node", "-e", script], cwd=folder, input=text, capture_output=True,
                          text=True, timeout=60, check=False)
