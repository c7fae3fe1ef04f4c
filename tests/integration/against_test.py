"""`troupe check --against`: what an earlier topology, or a folder of databases, has that nobody would go on with."""

import contextlib
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import msgpack
from command_test import FAULTS, OK, CommandTest, troupe
from event_systems import await_true, publish
from harness import PATIENCE
from systems import SHOP

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "chaos"))
from xxh3 import xxh64


class Against(CommandTest):
    def setUp(self):
        self.shop = self.system()

    def test_what_a_renamed_capability_leaves_behind_is_told(self):
        self.shop.broker()
        worker = self.shop.worker()
        self.assertTrue(self.shop.client().call("notes", "add", {"text": "mine"}).ok)
        worker.kill()
        with contextlib.closing(sqlite3.connect(self.shop.data / "notes.db")) as session, session:
            session.execute("INSERT INTO timers VALUES (1, x'01', 1, 'note.taken', '', x'80', NULL)")
        self.assertNotIn("left behind", troupe("check", self.shop.file).stdout)
        self.shop.capabilities = {"memos": "{actor: notes}"}
        renamed = self.shop.write("memos.yaml")

        said = self.json_of(troupe("check", renamed, "--json"))["left_behind"]

        self.assertIn("for later: 1", troupe("check", renamed).stdout)
        stranded = troupe("check", renamed, "--against", self.shop.data)
        self.assertEqual(1, stranded.returncode)
        self.assertIn("notes: it is gone, and `memos` is new", stranded.stdout)
        self.assertIn("1 timers", stranded.stdout)
        self.assertEqual([("notes", 1)], [(each["capability"], each["timers"]) for each in said])

    def test_data_that_are_looked_for_elsewhere_are_told(self):
        """Without any work in hand: what a capability has is all there, and it would begin with nothing."""
        processes = [self.shop.broker(), self.shop.worker()]
        self.assertTrue(self.shop.client().call("notes", "add", {"text": "mine"}).ok)
        for each in reversed(processes):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())
        data, old = self.shop.data, self.shop.file
        text = old.read_text()

        def told(changed: str, *, against: tuple[pathlib.Path, ...] = (old, data)) -> pathlib.Path:
            file = self.shop.folder / "new.yaml"
            file.write_text(changed)
            for each in against:
                self.said = troupe("check", file, "--against", each)
                self.assertEqual(FAULTS, self.said.returncode, self.said.stdout + self.said.stderr)
            return file

        notes, = (line for line in text.splitlines() if line.startswith("  notes: "))
        moved = told(text.replace(notes, "  notes: {store: 'sqlite:data/jotted.db'}"))
        self.assertIn(f"notes: it keeps its data in {data / 'jotted.db'} by now, and all that it has are in "
                      f"{data / 'notes.db'}: it would begin without them; stop the system and move", self.said.stdout)
        self.assertIn(f"left behind: {data / 'notes.db'} has the data of `notes`", troupe("check", moved).stdout)
        (data / "notes.db").rename(data / "jotted.db")
        self.assert_ends(OK, troupe("check", moved, "--against", data))
        self.assertNotIn("left behind", troupe("check", moved).stdout)
        (data / "jotted.db").rename(data / "notes.db")

        told(text.replace(notes, "  jottings: {actor: notes}"))
        self.assertIn("notes: it is gone, and `jottings` is new", self.said.stdout)
        self.assertIn("a new capability of the actor `notes` begins without the data of `notes`", self.said.stdout)
        gone = self.shop.folder / "gone.yaml"
        gone.write_text(text.replace(notes, "  users: {}"))  # Another one: it has nothing to look for.
        self.assert_ends(OK, troupe("check", gone, "--against", old))

        journal = told(text + "events: {journal: 'sqlite:data/events.db'}\n")
        self.assertIn(f"the journal: it is in {data / 'events.db'} by now", self.said.stdout)
        self.assertIn(f"left behind: {data / 'journal.db'} has the data of the journal", troupe("check", journal).stdout)

        told(text.replace('"}', '", host: far}', 1).replace("{host: here}", "{host: far}"), against=(old,))
        self.assertIn("notes: its data are in a file on the host `here`, and by now it runs on `far`", self.said.stdout)
        self.assertIn("the journal: its data are in a file on the host `here`", self.said.stdout)

    def test_events_that_a_narrower_pattern_passes_over_are_told(self):
        system = self.system({"viewer": "{actor: witness, subscribes: [sight.*]}"})
        broker, worker = system.broker(), system.worker("n1")
        client = system.client()
        publish(client, 0, "a")
        await_true(client, "one is handled", lambda: system.rows("viewer", "SELECT 1 FROM sights"))
        worker.kill()
        confirmed = client.collect([publish(client, n, "a", topic=topic) for n, topic in enumerate(
            ("sight.seen", "sight.late", "sight.late"), start=1)])
        self.assertEqual(3, len(confirmed))
        broker.kill()
        system.capabilities = {"viewer": "{actor: witness, subscribes: [sight.seen]}"}
        narrower = system.write("narrower.yaml")

        told = troupe("check", narrower, "--against", system.file)

        self.assert_ends(FAULTS, told)
        self.assertEqual(["viewer: it gets no events `sight.late` any more, and has not handled 2 of them, which are "
                          "passed over: let it handle them before, or keep the pattern"],
                         [line for line in told.stdout.splitlines() if line.startswith("viewer: ")])
        self.assert_ends(OK, troupe("check", system.file, "--against", system.file))

    def test_effects_and_letters_that_nobody_goes_on_with_are_told(self):
        system = self.system({"witness": "{actor: witness, subscribes: [sight.*]}"})
        broker = system.broker()
        system.worker().kill()
        broker.kill()
        with contextlib.closing(sqlite3.connect(system.data / "witness.db")) as session, session:
            session.execute("DELETE FROM effects")
            for number, name in enumerate(("look", "burn")):
                session.execute("INSERT INTO effects (key, call, name, request, writer) VALUES (?, x'01', ?, x'80', 1)",
                                (bytes([number] * 16), name))
        with contextlib.closing(sqlite3.connect(system.data / "journal.db")) as session, session:
            session.execute("INSERT INTO dead_letters (id, capability, position, topic, event_id, time, body, cause, error,"
                            " attempts, first_at, last_at, node, replica) VALUES (zeroblob(16), 'witness', 1, 'noise',"
                            " zeroblob(16), 1, x'80', 'rejected', 'no', 1, 1, 1, 'n1', 0)")

        told = troupe("check", system.file, "--against", system.data)

        self.assertEqual(1, told.returncode, told.stdout + told.stderr)
        self.assertIn("1 effects `burn`, which `witness` has no more", told.stdout)
        self.assertNotIn("`look`", told.stdout)
        self.assertIn("it gets no events `noise` any more, and 1 dead letters", told.stdout)

    def test_all_that_renamed_capabilities_leave_is_told_of_a_topology_as_of_its_folder(self):
        system = self.system({
            **{name: "{nodes: [n2]}" if name == "orders" else what.replace("{", "{nodes: [n1], ", 1)
               for name, what in SHOP.items()},
            "notes": "{nodes: [n1]}", "witness": "{nodes: [n1], actor: witness, subscribes: [sight.*]}"})
        broker = system.broker()
        worker = system.worker("n1")
        client = system.client()
        client.send("order_saga", "place", {  # Its first step waits for n2.
            "customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}, ttl=30000)
        client.send("troupe.publish", "sight.seen", {"n": 0}, key="a", ttl=10_000)
        until = time.monotonic() + PATIENCE
        while not system.rows("order_saga", "SELECT 1 FROM sagas") or not system.rows("journal", "SELECT 1 FROM cursors"):
            self.assertLess(time.monotonic(), until)
        for each in (worker, broker):
            each.kill()
        for name, statement in (
                ("notes", "INSERT INTO timers VALUES (1, x'01', 1, 'note.taken', '', x'80', NULL)"),
                ("witness", "INSERT INTO effects (key, call, name, request, writer) VALUES (zeroblob(16), x'01', 'look',"
                            " x'80', 1)"),
                ("journal", "INSERT INTO dead_letters (id, capability, position, topic, event_id, time, body, cause, error,"
                            " attempts, first_at, last_at, node, replica) VALUES (zeroblob(16), 'witness', 1, 'sight.seen',"
                            " zeroblob(16), 1, x'80', 'rejected', 'no', 1, 1, 1, 'n1', 0)")):
            with contextlib.closing(sqlite3.connect(system.data / f"{name}.db")) as session, session:
                session.execute(statement)
        renamed = {"notes": "memos", "witness": "viewer", "order_saga": "sales"}
        for old, new in renamed.items():
            what = system.capabilities.pop(old)
            system.capabilities[new] = what if "actor" in what else what.replace("{", f"{{actor: {old}, ", 1)
        new_file = system.write("renamed.yaml")

        for against in (system.data, system.file):
            with self.subTest(against):
                told = troupe("check", new_file, "--against", against)
                self.assertEqual(FAULTS, told.returncode, told.stdout + told.stderr)
                lines = {line.split(":")[0]: line for line in told.stdout.splitlines() if "holds" in line}
                self.assertEqual(set(renamed), set(lines), told.stdout)
                self.assertIn("holds 0 sagas, 0 effects, 1 timers", lines["notes"])
                self.assertIn("holds 0 sagas, 1 effects, 0 timers", lines["witness"])
                self.assertIn("holds 1 sagas, 0 effects, ", lines["order_saga"])
                self.assertIn("witness: it is gone, with 1 dead letters", told.stdout)
                self.assertIn("witness: it subscribes to nothing any more", told.stdout)
                same = troupe("check", system.file, "--against", against)
                self.assertEqual(OK, same.returncode, same.stdout + same.stderr)
                self.assertIn("nothing is left without an owner", same.stdout)

    def test_sagas_into_which_nobody_could_look_are_told(self):
        self.shop.broker()
        self.shop.worker().kill()
        self.shop.capabilities = {
            **self.shop.capabilities, **{name: SHOP[name] for name in ("inventory", "payments", "orders")},
            "first": "{actor: order_saga, store: 'postgresql://h/d'}", "second": "{actor: order_saga}"}
        file = self.shop.write("later.yaml")

        told = troupe("check", file, "--against", self.shop.data)
        as_json = self.json_of(troupe("check", file, "--against", self.shop.data, "--json"))

        self.assertEqual(0, told.returncode, told.stdout + told.stderr)
        self.assertIn("sagas under way in the databases looked at go on as they began", told.stdout)
        self.assertIn("not looked at: first is on a server; ", told.stdout)
        self.assertEqual(["first is on a server", f"{self.shop.data / 'second.db'} is not here"],
                         as_json["not_looked_at"])

    def test_what_becomes_of_sagas_under_way_is_told(self):
        system = self.system({name: what.replace("{", "{nodes: [n2], " if name == "orders" else "{nodes: [n1], ", 1)
                              for name, what in SHOP.items()})
        system.broker()
        worker = system.worker("n1")
        system.client().send("order_saga", "place", {  # Its first step waits for n2.
            "customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}, ttl=30000)
        until = time.monotonic() + PATIENCE
        while not system.rows("order_saga", "SELECT 1 FROM sagas"):
            self.assertLess(time.monotonic(), until)
        worker.kill()
        (packed,), = system.rows("order_saga", "SELECT steps FROM saga_tables")
        (begun,), = system.rows("order_saga", "SELECT data FROM saga_journal WHERE seq = 1")
        same = troupe("check", system.file, "--against", system.data)
        self.assertIn("sagas under way go on as they began", same.stdout)

        def told(steps: list[dict], kept: bool = True) -> subprocess.CompletedProcess[str]:
            """The saga as if it had been started under these steps."""
            words = [b"".join(b"\0" + each[word].encode() for word in ("name", "capability", "operation", "undo"))
                     + bytes([each["kind"]]) for each in steps]
            print_of = xxh64(b"place" + b"".join(words)).to_bytes(8, "big")
            with contextlib.closing(sqlite3.connect(system.data / "order_saga.db")) as session, session:
                session.execute("DELETE FROM saga_tables")
                session.execute("UPDATE saga_journal SET data = ? WHERE seq = 1", (begun[:8] + print_of + begun[16:],))
                if kept:
                    session.execute(
                        "INSERT INTO saga_tables (fingerprint, operation, steps, since) VALUES (?, 'place', ?, 1)",
                        (int.from_bytes(print_of, "big", signed=True), msgpack.packb({**table, "steps": steps})))
            told, by_topology = (troupe("check", system.file, "--against", each) for each in (system.data, system.file))
            self.assertEqual(told.stdout.replace(f"of {system.data}\n", f"of {system.file}\n"),
                             by_topology.stdout.split("not looked at: ")[0])
            self.assertEqual(told.returncode, by_topology.returncode)
            return told

        table = msgpack.unpackb(packed)
        fewer = told(table["steps"][:-1])
        self.assertIn("they go on and end by the steps that they were started under", fewer.stdout)
        self.assert_ends(OK, fewer)
        gone = told([*table["steps"], {**table["steps"][-1], "name": "thank", "operation": "thank"}])
        self.assertIn("stand still where they need thank", gone.stdout)
        self.assert_ends(FAULTS, gone)
        unknown = told(table["steps"][:-1], kept=False)
        self.assertIn("this program cannot continue them", unknown.stdout)
        self.assert_ends(FAULTS, unknown)


if __name__ == "__main__":
    unittest.main()
