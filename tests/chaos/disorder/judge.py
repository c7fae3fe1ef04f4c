"""The judge: the checker of the books, and what it must not be told off for."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

from shop import SHOP
from topologies import RENAMED

_CHECKER = pathlib.Path(__file__).resolve().parent.parent / "checker.py"
_TIME = r"\d{12,14}"
# Where clocks were moved a time says nothing; that there is one is checked all the same.
_OF_CLOCKS = (
    rf".*?: (\w+ is -?{_TIME}, should be (from -?{_TIME} to -?{_TIME}|{_TIME} at least, when the process "
    r"began)(; |$))+",
    r".*: incarnation is of another time",
    # So often in so long a time.
    r".*order_saga\.db saga_journal \S+ \d+: attempt is \d+, should be \d+ at most",
    r".*: handled is \d+, which it has passed long ago")
# A capability that was called something else for a time has left its cursor and dead letters.
_NAMES = "|".join(RENAMED.values())
_OF_NAMES = (rf"journal\.db cursors ({_NAMES}): .*",
             rf"journal\.db dead_letters \S+: is for ({_NAMES}), .*",
             rf"journal\.db events \d+: only_for is ({_NAMES}): .*")
# What nobody can handle is refused for good.
_OF_POISONS = (r"journal\.db dead_letters .*: cause is 'invalid', should be .*",)


# What a newer release keeps of a history begins where it has opened the database: what was forgotten
# before counts as forgotten up to the oldest answer, and lives and digests before it are unknown, and what
# nodes of the release before handle beside it does not count as handled on trial. The release before gives
# a saga's last answer as the error that ended it.
_NO_ID = "00000000-0000-0000-0000-000000000000"
_OF_RELEASES = (r"journal\.db sources \S+: (digest\w* is -?\d+, should be -?\d+(; |$))+",
                r"journal\.db lives 1: is missing.*",
                rf"\w+\.db outbox_mark: (digest is (-?\d+|None)|id is {_NO_ID}), should be .*",
                rf"\w+\.db outbox_mark: position's id is \S+, should be {_NO_ID}",
                r"\w+\.db journal_lives: is empty, .*",
                rf"\w+\.db journal_lives \d+: id is {_NO_ID}, .*",
                r"\w+\.db retention: handled_from should be [0-9a-f-]{36}, the lowest id of the inbox, .*",
                r"\w+\.db retention: calls is \S+, should be of \d+ at the latest",
                r"order_saga\.db inbox \S+: state is 3 and reply is {'code': '(?!rejected)\w+', .*")


# A person has had letters delivered again.
_OF_LETTERS = (r"journal\.db letter_orders \S+: is there, and nobody asked for it",)


# A journal that was restored alone has been opened less often than its subscribers know.
_OF_AN_OLDER_JOURNAL = (r"\w+\.db partitions \d+: epoch is \d+, should be from \d+ to \d+",
                        r"journal\.db journal: generation is .*")


@dataclasses.dataclass(frozen=True)
class Case:
    """@param mixed whether two releases took part
    @param older_journal whether a copy of it alone did
    @param letters_ordered whether dead letters were to be delivered again
    @param poisons events that nobody can handle: id, position
    @param kept the orders that must be right though others were lost; None: all of them"""

    folder: pathlib.Path
    log: pathlib.Path
    clocks_jumped: bool
    mixed: bool
    older_journal: bool
    letters_ordered: bool
    poisons: list[tuple[str, int]]
    kept: set[str] | None

    def excuses(self) -> list[str]:
        found = [*_OF_NAMES]
        found += _OF_CLOCKS if self.clocks_jumped else ()
        found += _OF_RELEASES if self.mixed else ()
        found += _OF_AN_OLDER_JOURNAL if self.older_journal else ()
        found += _OF_LETTERS if self.letters_ordered else ()
        found += _OF_POISONS if self.poisons else ()
        if self.kept is not None:
            found.append(r"(?!.*(" + "|".join(sorted(self.kept)) + r")).*")
        return found


@dataclasses.dataclass(frozen=True)
class Verdict:
    good: bool
    summary: str
    text: str


def check_books(case: Case) -> Verdict:
    excused, published = case.folder / "excused", case.folder / "published"
    excused.write_text("".join(each + "\n" for each in case.excuses()))
    published.write_text("".join(json.dumps({"id": event, "position": position}) + "\n"
                                 for event, position in case.poisons))
    done = subprocess.run(
        [sys.executable, str(_CHECKER), "--data", str(case.folder / "data"), "--client-log", str(case.log),
         "--orders", str(SHOP / "orders.jsonl"), "--publish-log", str(published),
         "--excused", str(excused), "--json"], capture_output=True, text=True, check=False)
    if not done.stdout:
        return Verdict(False, "", f"the books could not be checked: {done.stderr}")
    said = json.loads(done.stdout)
    return Verdict(said["verdict"] == "good", _summary(said), _text(said))


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
