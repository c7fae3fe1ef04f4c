"""The judge: the checker of the books, and what it must not be told off for."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

from shop import SHOP

_CHECKER = pathlib.Path(__file__).resolve().parent.parent / "checker.py"
_TIME = r"\d{12,14}"
# Where clocks were moved a time says nothing; that there is one is checked all the same.
_OF_CLOCKS = (
    rf".*?: (\w+ is -?{_TIME}, should be (from -?{_TIME} to -?{_TIME}|{_TIME} at least, when the process "
    r"began)(; |$))+",
    r".*: incarnation is of another time",
    r".*: handled is \d+, which it has passed long ago")
# A capability that was called something else for a time has left its cursor.
_OF_NAMES = (r"journal\.db cursors (mailer|people): .*",)


@dataclasses.dataclass
class Verdict:
    good: bool
    summary: str
    text: str


def check_books(folder: pathlib.Path, log: pathlib.Path, clocks_jumped: bool,
                kept: set[str] | None) -> Verdict:
    """@param kept the orders that must be right though others were lost; None: all of them."""
    excuses = list(_OF_NAMES) + (list(_OF_CLOCKS) if clocks_jumped else [])
    if kept is not None:
        excuses.append(r"(?!.*(" + "|".join(map(re.escape, sorted(kept))) + r")).*")
    (folder / "excused").write_text("".join(each + "\n" for each in excuses))
    done = subprocess.run(
        [sys.executable, str(_CHECKER), "--data", str(folder / "data"), "--client-log", str(log),
         "--orders", str(SHOP / "orders.jsonl"), "--excused", str(folder / "excused"), "--json"],
        capture_output=True, text=True, check=False)
    (folder / "verdict.json").write_text(done.stdout)
    if not done.stdout:
        return Verdict(False, "", f"the books could not be checked: {done.stderr}")
    said = json.loads(done.stdout)
    counts = said["counts"]
    return Verdict(said["verdict"] == "good", _summary(said), _text(said)) if counts else \
        Verdict(False, "", "nothing was counted")


def _summary(said: dict) -> str:
    counts = said["counts"]
    return f"{counts['attempted']} orders, {counts['confirmed']} confirmed, {counts['taken_over']} sagas " \
        f"taken over, {said['excused']} findings excused"


def _text(said: dict) -> str:
    lines = [f"the books are {said['verdict']}"]
    for name, result in said["invariants"].items():
        if result["violations"]:
            lines.append(f"{name} {result['what']}: {result['violations']}")
            lines += [f"     {each}" for each in result["examples"]]
    if not said["liveness"]["quiet"]:
        lines.append(str(said["liveness"]))
    return "\n".join(lines)
