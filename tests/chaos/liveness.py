"""Liveness: what is still under way. Not wrong, but at the end of a run there must be none of it."""

import dataclasses
import pathlib
import threading
import time

import ids
from databases import database_files, opened, tables_of

PENDING = 1
FORWARD, UNDOING, PARKED = 0, 1, 4

_POLL_SECONDS = 0.05


@dataclasses.dataclass
class Liveness:
    """Counts. Parked sagas wait for a person, and their calls with them: neither is under way."""

    pending: dict[str, int] = dataclasses.field(default_factory=dict)
    effects: dict[str, int] = dataclasses.field(default_factory=dict)
    unfinished_sagas: int = 0
    parked_sagas: int = 0
    # Events in outboxes that the journal has not taken, by capability.
    leaving: dict[str, int] = dataclasses.field(default_factory=dict)
    postponed: dict[str, int] = dataclasses.field(default_factory=dict)
    # Confirmations without a mail or a dead letter, and mails that are neither sent nor failed.
    unhandled: int = 0
    unsent: int = 0

    @property
    def quiet(self) -> bool:
        return not self.unfinished_sagas and not any(self.pending.values()) \
            and not any(self.effects.values()) and not any(self.leaving.values()) \
            and not any(self.postponed.values()) and not self.unhandled and not self.unsent

    def __str__(self) -> str:
        parts = [f"{count} pending in {name}" for name, count in self.pending.items() if count]
        parts += [f"{count} effects of {name}" for name, count in self.effects.items() if count]
        if self.unfinished_sagas:
            parts.append(f"{self.unfinished_sagas} sagas unfinished")
        parts += [f"{count} in the outbox of {name}" for name, count in self.leaving.items() if count]
        parts += [f"{count} postponed in {name}" for name, count in self.postponed.items() if count]
        if self.unhandled:
            parts.append(f"{self.unhandled} confirmations unhandled")
        if self.unsent:
            parts.append(f"{self.unsent} mails unsent")
        return ", ".join(parts) or "nothing is under way"


def read_liveness(files: dict[str, pathlib.Path]) -> Liveness:
    found = Liveness()
    for name, path in files.items():
        with opened(path) as connection:
            def number(query: str, *values: object) -> int:
                return connection.execute(query, values).fetchone()[0]

            tables = tables_of(connection)
            if "inbox" in tables:
                parked = f" AND id NOT IN (SELECT id FROM sagas WHERE phase = {PARKED})" \
                    if "sagas" in tables else ""
                found.pending[name] = number(
                    f"SELECT COUNT(*) FROM inbox WHERE state = ?{parked}", PENDING)
            if "effects" in tables:
                found.effects[name] = number("SELECT COUNT(*) FROM effects")
            if "sagas" in tables:
                counts = dict(connection.execute("SELECT phase, COUNT(*) FROM sagas GROUP BY phase"))
                found.unfinished_sagas += counts.get(FORWARD, 0) + counts.get(UNDOING, 0)
                found.parked_sagas += counts.get(PARKED, 0)
            if "postponed" in tables:
                found.postponed[name] = number(
                    "SELECT COUNT(*) FROM postponed WHERE partition >= 0")
            if "mails" in tables:
                found.unsent = number("SELECT COUNT(*) FROM mails WHERE state = 'asked'")
    if "journal" in files:
        _read_event_liveness(files, found)
    return found


def _read_event_liveness(files: dict[str, pathlib.Path], found: Liveness) -> None:
    with opened(files["journal"]) as journal:
        if "sources" not in tables_of(journal):
            return
        taken = dict(journal.execute("SELECT instance, taken FROM sources"))
        for name, path in files.items():
            with opened(path) as connection:
                if {"outbox", "troupe_meta"} <= tables_of(connection):
                    instance = connection.execute("SELECT instance FROM troupe_meta").fetchone()
                    found.leaving[name] = connection.execute(
                        "SELECT COUNT(*) FROM outbox WHERE seq > ?",
                        (taken.get(instance[0], 0) if instance else 0,)).fetchone()[0]
        if "notifications" not in files:
            return
        with opened(files["notifications"]) as notifications:
            if "mails" not in tables_of(notifications):
                return
            mails = list(notifications.execute("SELECT order_id, event_id FROM mails"))
        settled = {ids.text(order) for order, _ in mails}
        events = {event for _, event in mails}
        for event, key in journal.execute(
                "SELECT event_id, key FROM dead_letters WHERE capability = 'notifications'"):
            settled.add(key)
            events.add(event)
        found.unhandled = sum(
            key not in settled and event not in events for event, key in journal.execute(
                "SELECT e.id, e.key FROM events e JOIN topics t ON t.id = e.topic"
                " WHERE t.name = 'order.confirmed'"))


def wait_until_quiet(data: pathlib.Path, seconds: float) -> Liveness:
    """Looks again and again until nothing is under way, or for so long."""
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while True:
        found = read_liveness(database_files(data))
        if found.quiet or time.monotonic() >= deadline:
            return found
        never.wait(_POLL_SECONDS)
