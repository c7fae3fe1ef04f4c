"""Verdicts: each acknowledged call and each published event has exactly one end, and `troupe why` tells it."""

import concurrent.futures
import dataclasses
import json
import pathlib
import random
import subprocess
from collections.abc import Callable

import ids
from databases import opened
from liveness import PARKED
from loads import whole_lines
from shop import Fault

# Of calls and of events each. All events with dead letters and all calls of parked sagas come on top.
SAMPLE = 25
# One process of `troupe` for each id, as many at once.
_AT_ONCE = 4
DONE, WAITS = "done", "waits for a person"

Ask = Callable[[str], subprocess.CompletedProcess[str]]


@dataclasses.dataclass(frozen=True)
class Ends:
    """How the lives of these ids must have ended: each one's verdict, by id."""

    calls: dict[str, str]
    events: dict[str, str]

    def sample(self, seed: str) -> dict[str, str]:
        """Some of them, and all that wait for a person."""
        chance = random.Random(seed)
        chosen: dict[str, str] = {}
        for all_of_kind in (self.calls, self.events):
            waiting = [each for each, verdict in all_of_kind.items() if verdict == WAITS][:SAMPLE]
            some = chance.sample(sorted(all_of_kind), min(SAMPLE, len(all_of_kind)))
            chosen |= {each: all_of_kind[each] for each in [*some, *waiting]}
        return chosen


def acknowledged(log: pathlib.Path) -> set[str]:
    """The calls whose client was told that they are done, or refused for good."""
    told = (json.loads(line) for line in whole_lines(log))
    return {each["call_id"] for each in told if each["phase"] == "return"
            and (each["outcome"] == "ok" or (each["outcome"], each.get("code")) == ("fail", "rejected"))}


def ends_of(data: pathlib.Path, calls: set[str], poisons: set[str], lost: set[str]) -> Ends:
    """@param poisons events that nobody can handle
    @param lost orders that need not be right any more, nor the events about them"""
    with opened(data / "order_saga.db") as database:
        parked = {ids.text(row[0]) for row in
                  database.execute("SELECT id FROM sagas WHERE phase = ?", (PARKED,))}
    with opened(data / "journal.db") as database:
        letters = {ids.text(row[0]) for row in database.execute("SELECT event_id FROM dead_letters")}
        events = {ids.text(row[0]) for row in database.execute("SELECT id, key FROM events")
                  if row[1] not in lost}
    # An older journal may lack what was published since; a person is to look at those that it has.
    events |= letters & poisons
    return Ends({each: WAITS if each in parked else DONE for each in calls - lost},
                {each: WAITS if each in letters else DONE for each in events})


def check_verdicts(wanted: dict[str, str], ask: Ask) -> str:
    """Asks for each id. Raises Fault that names those of which something else is told.
    @return what was found to be right."""
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as several:
        told = dict(zip(wanted, several.map(ask, wanted)))
    wrong = [f"`troupe why {each}` should tell one verdict, `{wanted[each]}`: {what}"
             for each, said in told.items() if (what := _fault_of(each, wanted[each], said))]
    if wrong:
        raise Fault(f"{len(wrong)} of {len(wanted)} lives have another end\n" + "\n".join(wrong))
    return f"{len(wanted)} verdicts"


def _fault_of(asked: str, wanted: str, said: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with the answer; nothing if it is right."""
    lines = said.stdout.splitlines()
    if said.returncode != 0 or len(lines) != 1:
        return f"it ended with {said.returncode} and printed {len(lines)} lines: {said.stdout}{said.stderr}"
    told = json.loads(lines[0])
    if (told["id"], told["verdict"]) != (asked, wanted):
        return f"it is {told['verdict']}: {told['why']}\n  " + "\n  ".join(told["life"])
    return ""
