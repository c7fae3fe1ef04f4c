"""The journal of events: journal.db and the outboxes against what the orders' books have told."""

import json
import pathlib
import uuid
from collections.abc import Iterable
from typing import Any

import ids
from databases import IDLE
from findings import between, compare, show
from goods import Goods
from order_book import Told
from run import CLOCK_MS, Run
from wishes import CannotCheck
from xxh3 import xxh64

_NO_CLIENT = {"digest": None, "traceparent": None, "only_for": None}
_LOW = "stock.low"
_ENTRY_BYTES = 32
# So many ids of clients are kept.
_REMEMBERED = 65_536
_TOPICS = ("order.created", "order.confirmed", "order.cancelled", _LOW)


def read_publish_log(path: pathlib.Path) -> set[tuple[bytes, int]]:
    """(id, position) of each publish that was acknowledged."""
    found = set()
    lines = path.read_text().split("\n")
    lines.pop()  # Behind the last newline: nothing, or what a killed client was writing.
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            found.add((uuid.UUID(record["id"]).bytes, int(record["position"])))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise CannotCheck(f"{path}:{number}: no acknowledged publish: {fault!r}") from fault
    return found


def digest_of_outbox(events: Iterable[bytes]) -> int:
    """Of the ids of its events from the first on: which number was which event."""
    total = sum(xxh64(number.to_bytes(8, "big") + event) for number, event in enumerate(events, 1))
    return (total + (1 << 63)) % (1 << 64) - (1 << 63)


class EventJournal:
    """Reads all events once. Other books ask it for positions and times."""

    def __init__(self, run: Run, told: list[Told], goods: Goods) -> None:
        self._run = run
        self._findings = run.findings
        self._journal = run.books["journal"]
        self._told = told
        self._lows = goods.lows()
        self._must_be_low = goods.must_be_low()
        self.events: dict[int, dict[str, Any]] = {}
        self.last = 0
        self.counted = 0
        self.generation = 0
        self.is_shared = any(row["component"] == "troupe.lease" for row in self._journal.rows("schema_versions"))
        self._topics: dict[int, dict[str, Any]] = {}
        # Events of the inventory in their order.
        self._inventory: list[dict[str, Any]] = []
        # How many are missing by retention, by topic.
        self.swept: dict[str, int] = {}
        # Of outboxes, up to their ends.
        self.digests: dict[str, int] = {}

    def check(self) -> None:
        self._read()
        self._check_orders()
        self._check_others()
        self._check_positions()
        self._check_topics()
        self._check_deleted()
        self._check_sources()
        self._check_outboxes()
        self._check_publishes()
        orders = (("scheduled", "id"), ("cancelled", "id"), ("letter_orders", "request"))
        for name, key in orders if self._run.only_load else ():
            for row in self._journal.rows(name):
                self._findings.add("I17", f"journal.db {name} {ids.text(row[key])}",
                                   "is there, and nobody asked for it")

    def _read(self) -> None:
        rows = list(self._journal.rows("journal"))
        if len(rows) != 1:
            self._findings.add("I17", "journal.db journal", f"has {len(rows)} rows, should have 1")
        for row in rows:
            compare(self._findings, "I17", "journal.db journal", row, {"one": 1})
        self.counted = rows[0]["counted"] if rows else 0
        self.generation = rows[0]["generation"] if rows else 0
        self._topics = {row["id"]: row for row in self._journal.rows("topics")}
        names = {key: row["name"] for key, row in self._topics.items()}
        for row in self._journal.rows("events", "position"):
            row["name"] = names.get(row["topic"], f"topic {row['topic']}")
            self.events[row["position"]] = row
        self.last = max(self.events, default=0)
        for row in self._topics.values():
            if self.counted and row["total"] > row["events"]:
                self.swept[row["name"]] = row["total"] - row["events"]

    def _check_orders(self) -> None:
        """Events of the order book: each once, in its order, as it was told."""
        place_of = {each.id: number for number, each in enumerate(self._told)}
        seen: dict[bytes, int] = {}
        before, time = -1, self._run.begin
        for position, event in self.events.items():
            where = f"journal.db events {position}"
            compare(self._findings, "I17", where, event,
                    {"time": between(time - CLOCK_MS, self._run.end)})
            time = event["time"] if isinstance(event["time"], int) else time
            if event["source"] != "orders" or event["only_for"] is not None:
                continue
            place = place_of.get(event["id"])
            if place is None:
                if self._findings.final:
                    self._findings.add("I11", where, f"is {event['name']} of {event['key']}, which the "
                                                     "order book never told")
                continue
            told = self._told[place]
            where += f" ({told.topic} of {told.key})"
            if event["id"] in seen:
                self._findings.add("I10", where, f"is at {seen[event['id']]} already")
                continue
            seen[event["id"]] = position
            compare(self._findings, "I11", where, event, {
                "name": told.topic, "key": told.key, "body": told.body, **_NO_CLIENT,
                "time": between(told.at - CLOCK_MS, self._run.end)})
            if place < before:
                self._findings.add("I12", where, "was told before what is in front of it, "
                                                 f"{self._told[before].topic} of "
                                                 f"{self._told[before].key}")
            before = max(before, place)
        gone: dict[str, list[Told]] = {}
        for each in self._told:
            if each.id not in seen:
                gone.setdefault(each.topic, []).append(each)
        for topic, missing in gone.items():
            if len(missing) > self.swept.get(topic, 0):
                for each in missing[:3]:
                    self._findings.add("I9", f"journal.db events {ids.text(each.id)}",
                                       f"{topic} of {each.key} is missing ({len(missing)} are; "
                                       f"retention took {self.swept.get(topic, 0)})")

    def _check_others(self) -> None:
        """Events of the inventory and of clients, and dead letters that are tried again."""
        known = {event["id"]: event for event in self.events.values() if event["only_for"] is None}
        seen: set[bytes] = set()
        low: set[str] = set()
        for position, event in self.events.items():
            where, source = f"journal.db events {position}", event["source"]
            if event["only_for"] is not None:
                first = known.get(event["id"])
                if first is not None and (event["only_for"] not in self._run.books
                                          or first["body"] != event["body"]):
                    self._findings.add("I11", where, f"only_for is {event['only_for']}: no letter of "
                                                     "an event that was published")
                if first is None and not self.swept:
                    self._findings.add("I11", where, "only_for is set, and its event was never published")
            elif source == "inventory":
                self._inventory.append(event)
                low.add(event["key"])
                self._check_low(where, event)
                if event["id"] in seen:
                    self._findings.add("I10", where, "is there twice")
                seen.add(event["id"])
            elif self._is_of_client(event):
                self._check_client(where, event)
            elif source != "orders" and not self._is_of_people(source):
                self._findings.add("I11", where, f"source is {source}, which tells nobody anything")
        if self._findings.final and _LOW not in self.swept:
            for sku in sorted(self._must_be_low - low):
                self._findings.add("I9", f"journal.db events {_LOW} {sku}",
                                   "is missing; fewer are left than make a shelf low")

    def _is_of_client(self, event: dict[str, Any]) -> bool:
        """Over links with keys the source of a client's event is the owner of its key, who is no capability."""
        return event["source"] is None or event["digest"] is not None and event["source"] not in self._run.books

    def _is_of_people(self, capability: str) -> bool:
        """Whether a capability tells what the load has nothing to do with."""
        return capability in IDLE and not self._run.only_load

    def _check_low(self, where: str, event: dict[str, Any]) -> None:
        for sku, body in self._lows.get(event["id"], []):
            if sku == event["key"]:
                compare(self._findings, "I11", where, event, {"name": _LOW, "body": body, **_NO_CLIENT})
                return
        if self._findings.final:
            self._findings.add("I11", where, f"is {event['name']} of {event['key']}, which no "
                                             "reservation told")

    def _check_client(self, where: str, event: dict[str, Any]) -> None:
        digest = ids.signed(xxh64(event["body"]) ^ xxh64(f"{event['name']}\0{event['key'] or ''}".encode()))
        compare(self._findings, "I13", where, event, {"digest": digest})
        if self._run.only_load and self._run.published is None:
            self._findings.add("I11", where, f"is {event['name']}, which nobody is known to have "
                                             "published (no log of publishes)")

    def _check_positions(self) -> None:
        """Positions are 1, 2, 3 ... but for what retention took, and that is counted."""
        gaps = self.last - len(self.events)
        if gaps > sum(self.swept.values()):
            missing = next(each for each in range(1, self.last + 1) if each not in self.events)
            self._findings.add("I17", f"journal.db events {missing}",
                               f"is missing, as are {gaps} of {self.last}; retention took "
                               f"{sum(self.swept.values())}")

    def _check_topics(self) -> None:
        used: dict[int, list[dict[str, Any]]] = {key: [] for key in self._topics}
        for position, event in self.events.items():
            if event["topic"] not in used:
                self._findings.add("I17", f"journal.db events {position}",
                                   f"topic is {event['topic']}, which is none of `topics`")
            elif position <= self.counted:
                used[event["topic"]].append(event)
        present = {event["topic"] for event in self.events.values()}
        if self.counted > self.last:
            self._findings.add("I17", "journal.db journal",
                               f"counted is {self.counted}, should be {self.last} at most")
        if self.counted and not any(row["total"] for row in self._topics.values()):
            self._findings.add("I17", "journal.db journal", f"counted is {self.counted}, should be 0: "
                                                            "the topics count nothing")
        clients = {event["topic"] for event in self.events.values() if self._is_of_client(event)}
        for key, row in self._topics.items():
            where = f"journal.db topics {row['name']}"
            if row["name"] not in _TOPICS and key in present - clients and self._run.only_load:
                self._findings.add("I17", where, "is no topic that anybody tells")
            if key not in present and row["name"] not in self.swept and self._run.only_load:
                self._findings.add("I17", where, "is there, and no event is of it")
            kept = used[key]
            wanted: dict[str, Any] = {"events": len(kept),
                                      "bytes": sum(len(each["body"]) for each in kept)}
            if kept:
                newest = kept[-1]
                wanted |= {"total": between(len(kept), self.counted), "last": newest["position"],
                           "last_time": between(newest["time"], self._run.end),
                           "first": between(0, kept[0]["position"]),
                           "first_time": between(0, kept[0]["time"])}
            elif row["name"] not in self.swept:
                wanted |= dict.fromkeys(("total", "first", "first_time", "last", "last_time"), 0)
            compare(self._findings, "I17", where, row, wanted)

    def _check_deleted(self) -> None:
        """How far retention went: below the first event that is kept, and only where it took any."""
        first: dict[str, int] = {}
        for position, event in self.events.items():
            name = self._topics.get(event["topic"], {}).get("name", "")
            first[name] = min(position, first.get(name, position))
        for row in self._journal.rows("deleted"):
            where = f"journal.db deleted {row['topic']}"
            if row["topic"] and row["topic"] not in self.swept:
                self._findings.add("I17", where, "is there, and no event of the topic is missing")
            most = min(self.last, first.get(row["topic"], self.last + 1)) - 1
            compare(self._findings, "I17", where, row, {"upto": between(1, most)})

    def _check_sources(self) -> None:
        """How far outboxes were taken: each to its end."""
        wanted = {}
        lows = len(self._inventory) + self.swept.get(_LOW, 0)
        if self._told:
            wanted["orders"] = (len(self._told), self._told[-1].id)
            self.digests["orders"] = digest_of_outbox(each.id for each in self._told)
        if lows:
            last = self._inventory[-1]["id"] if self._inventory else None
            wanted["inventory"] = (lows, last)
            if _LOW not in self.swept:
                self.digests["inventory"] = digest_of_outbox(each["id"] for each in self._inventory)
        found = self._journal.by_key("sources", "capability", "instance")
        if not self._findings.final:
            return
        for (capability, instance), row in found.items():
            where = f"journal.db sources {capability}"
            if self._is_of_people(capability):
                continue
            if capability not in wanted:
                self._findings.add("I17", where, "is there, and nothing of it is in the journal")
                continue
            taken, newest = wanted[capability]
            compare(self._findings, "I17", where, row, {
                "instance": self._run.books.instance(capability), "taken": taken,
                "digest_from": 0, "digest_to": taken,
                **({"taken_id": newest} if newest else {}),
                **({"digest": self.digests[capability]} if capability in self.digests else {})})
        for capability in wanted.keys() - {key[0] for key in found}:
            self._findings.add("I17", f"journal.db sources {capability}", "is missing")

    def _check_outboxes(self) -> None:
        """What is left of outboxes: at least the newest row."""
        if not self._findings.final:
            return
        lows = {} if _LOW in self.swept else {
            number: Told(event["name"], event["id"], event["key"], event["body"], 0)
            for number, event in enumerate(self._inventory, 1)}
        wanted = {"orders": dict(enumerate(self._told, 1)), "inventory": lows}
        for name in self._run.books.names():
            if name == "journal" or self._is_of_people(name):
                continue
            told, newest = wanted.get(name, {}), 0
            for row in self._run.books[name].rows("outbox", "seq"):
                where = f"{name}.db outbox {row['seq']}"
                newest = row["seq"]
                each = told.get(newest)
                if each is not None:
                    compare(self._findings, "I17", where, row, {
                        "id": each.id, "topic": each.topic, "key": each.key, "body": each.body})
                elif not (name == "inventory" and _LOW in self.swept):
                    self._findings.add("I17", where, f"is there ({row['topic']} {show(row['key'])}), and "
                                                     "nothing of it was told")
            if told and newest != max(told):
                self._findings.add("I17", f"{name}.db outbox {max(told)}",
                                   "is missing: the newest row stays for good")

    def _check_publishes(self) -> None:
        found = {}
        total = 0
        for row in self._journal.rows("published", "upto"):
            where, entries = f"journal.db published {row['upto']}", row["entries"]
            size = len(entries)
            total = (total or row["upto"] - size // _ENTRY_BYTES) + size // _ENTRY_BYTES
            is_first_ever = total != size // _ENTRY_BYTES and row["upto"] <= _REMEMBERED and not found
            if size % _ENTRY_BYTES or row["upto"] != total or is_first_ever:
                self._findings.add("I13", where, f"upto is {row['upto']}, should be {total}")
            for at in range(0, size - size % _ENTRY_BYTES, _ENTRY_BYTES):
                position = int.from_bytes(entries[at:at + 8], "big")
                found[position] = (entries[at + 8:at + 24], entries[at + 24:at + 32])
        for position, event in self.events.items():
            if event["digest"] is not None and event["only_for"] is None:
                wanted = (event["id"], (event["digest"] % (1 << 64)).to_bytes(8, "big"))
                if found.pop(position, wanted if total > _REMEMBERED else None) != wanted:
                    self._findings.add("I13", f"journal.db published {position}",
                                       f"is missing or another; should be {show(event['id'])}")
        for position in found:
            if position not in self.events and not self.swept or position in self.events:
                self._findings.add("I13", f"journal.db published {position}",
                                   "is there, and no client's event is at that position")
        if self._run.published is None:
            self._findings.without("I13", "no log of publishes", anything=False)
            return
        for identity, position in sorted(self._run.published):
            event = self.events.get(position)
            if (event or {}).get("id") != identity and not (
                    event is None and self.swept and position <= self.counted):
                self._findings.add("I13", f"publish.log {ids.text(identity)}",
                                   f"was acknowledged at {position}, where the journal has "
                                   f"{show(event['id']) if event else 'nothing'}")
