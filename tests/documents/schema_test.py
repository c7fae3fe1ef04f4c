"""`troupe schema` is JSON Schema to ajv, and takes what the reader of topologies takes."""

import copy
import json
import os
import pathlib
import sys
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))

import judges  # noqa: E402
import topology_files  # noqa: E402

EXAMPLES = pathlib.Path(os.environ["TROUPE_SOURCE"]) / "examples"
# Each text is read as an editor reads it; `faults` are those of the schema.
JUDGE_FILES = """
const Ajv = require('ajv/dist/2020');
const yaml = require('yaml');
const {schema, texts} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
// Strict: unknown words and words that do nothing are errors.
const fits = new Ajv({strict: true, allowUnionTypes: true, allErrors: true}).compile(schema);
console.log(JSON.stringify(texts.map(text => {
  const value = yaml.parse(text, {version: '1.2'});
  return {value, faults: fits(value) ? [] : fits.errors.map(each => each.instancePath + ' ' + each.message)};
})));
"""
GOOD = """
troupe: 1
name: shop
brokers: {b1: {listen: "tcp://127.0.0.1:5550", admin: "127.0.0.1:9101"}}
nodes: {n1: , n2: {host: localhost}}
store: "sqlite:data/{capability}.db"
heartbeat: {interval: 300ms, timeout: 1s}
limits: {body: 4096, memory: 900MiB}
events: {broker: b1, journal: "sqlite:data/j.db", keep: 2d, topics: {order.*: {size: 2MiB, drop_unread: true}, "*": }}
defaults:
  supervision: {strategy: rest_for_one, max_restarts: "3", within: 20s, backoff: 20ms..2s}
  breaker: {window: {span: 5s, failure_rate: 0.25, slow_rate: 1}}
gateways:
  g1:
    listen: "https://127.0.0.1:8443"
    admin: "127.0.0.1:9102"
    tls: {certificate: tls/g1.pem, key: tls/g1.key}
    cors: {origins: ["https://shop.example"]}
    rate: {per: client, requests: 100, within: 2s, burst: 200}
    store: "sqlite:data/g1.db"
    otherwise: billing
    routes:
      GET /users/{user_id}: {call: users.get, deadline: 3s, rejected: {unknown_user: 404}}
      POST /users: {call: users.register, idempotency: required, key: "{body.email}", status: 201, strangler: billing}
      GET /mails: {events: [order.*]}
strangler:
  billing:
    legacy: "http://127.0.0.1:3002/shop"
    percent: 12.5
    by: "{cookie.session}"
    override: x-side
    deadline: 4s
    connections: 9
    queue: 11
    answer: 2MiB
    compare: {sample: 0.1, in_flight: 12, ignore: [/items/*/etag], fields: [cache-control]}
capabilities:
  users:
  mails:
    actor: notifications
    replicas: 2
    nodes: [n1]
    store: "sqlite:data/mails.db"
    subscribes: [order.confirmed]
    subscribe_from: 2026-11-24T08:00:00Z
    config: {spool: data/mail}
    breaker: {threshold: 3}
    bulkhead: {in_flight: 8, queue: 0, events: 10}
    retry: {attempts: 3, backoff: 1s..1m}
    effects: {threads: 2, queue: 10, limit: 1m}
    turn_limit: 2s
    inbox_kept: 48h
    sagas_kept: 10d
"""
# What has the wrong shape: for the reader and in the editor.
BAD = {
    "no version": ("troupe: 1\n", ""),
    "another version": ("troupe: 1", "troupe: 2"),
    "a misspelt key": ("replicas: 2", "replicsa: 2"),
    "a key of another section": ("replicas: 2", "attempts: 2"),
    "no broker": ('brokers: {b1: {listen: "tcp://127.0.0.1:5550", admin: "127.0.0.1:9101"}}', "brokers: {}"),
    "a broker that listens nowhere": ('listen: "tcp://127.0.0.1:5550", ', ""),
    "another transport": ("tcp://127.0.0.1:5550", "ipc://b1"),
    "no port": ("127.0.0.1:9101", "127.0.0.1"),
    "a name with capitals": ("  users:", "  Users:"),
    "a name that is kept": ("  users:", "  troupe:"),
    "an unknown actor": ("actor: notifications", "actor: letters"),
    "a list for a number": ("replicas: 2", "replicas: [2]"),
    "a fraction": ("replicas: 2", "replicas: 2.5"),
    "too many": ("replicas: 2", "replicas: 10001"),
    "a word for a number": ("replicas: 2", "replicas: two"),
    "a duration without unit": ("turn_limit: 2s", "turn_limit: 2"),
    "a unit that there is not": ("turn_limit: 2s", "turn_limit: 2sec"),
    "one wait for two": ("backoff: 1s..1m", "backoff: 1s"),
    "a size in MB": ("memory: 900MiB", "memory: 900MB"),
    "a strategy that there is not": ("rest_for_one", "rest_for_all"),
    "a rate above one": ("failure_rate: 0.25", "failure_rate: 25"),
    "both kinds of breaker": ("breaker: {threshold: 3}", "breaker: {threshold: 3, window: {span: 5s}}"),
    "a node for a list": ("nodes: [n1]", "nodes: n1"),
    "a node twice": ("nodes: [n1]", "nodes: [n1, n1]"),
    "no pattern": ("[order.confirmed]", "[order..confirmed]"),
    "a topic twice": ("[order.confirmed]", "[order.confirmed, order.confirmed]"),
    "a start without subscription": ("subscribes: [order.confirmed]", ""),
    "another database": ("sqlite:data/mails.db", "postgresql://db"),
    "a journal that is none": ("sqlite:data/j.db", "none"),
    "a word that is no truth": ("drop_unread: true", "drop_unread: yes"),
    "a text for a section": ("retry: {attempts: 3, backoff: 1s..1m}", "retry: often"),
    "a gateway that listens to anything": ("https://127.0.0.1:8443", "127.0.0.1:8443"),
    "half of tls": (", key: tls/g1.key", ""),
    "a route with nothing to do": ("{events: [order.*]}", "{}"),
    "a route that does two things": ("{events: [order.*]}", "{events: [order.*], call: users.get}"),
    "a route without a method": ("GET /mails", "/mails"),
    "a method that there is not": ("GET /mails", "LIST /mails"),
    "no operation": ("call: users.register", "call: users"),
    "a status of a failure": ("status: 201", "status: 404"),
    "a refusal that is none": ("unknown_user: 404", "unknown_user: 204"),
    "a key that is no field": ('"{body.email}"', "email"),
    "a rate without a time": (", within: 2s", ""),
    "more than all": ("percent: 12.5", "percent: 125"),
    "a user named by nothing": ("{cookie.session}", "session"),
    "a list for a file": (GOOD, "- troupe\n- shop\n"),
    "what is not in this release": ("name: shop", "name: shop\nclusters: {c1: }"),
}


def judged(texts: list[str]) -> list[dict]:
    return json.loads(judges.run_node(
        JUDGE, JUDGE_FILES, json.dumps({"schema": topology_files.schema(), "texts": texts})))


def changed(tree: object, inner: object, path: tuple = ()) -> Iterator[object]:
    """Trees that differ from `tree` in one place each."""
    def with_value(value: object) -> object:
        made = copy.deepcopy(tree)
        at = made
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return made

    if path:
        for value in (None, {} if isinstance(inner, dict) else [] if isinstance(inner, list) else "7"):
            yield with_value(value)
    for key in inner if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ():
        without = copy.deepcopy(tree)
        at = without
        for each in path:
            at = at[each]
        del at[key]
        yield without
        yield from changed(tree, inner[key], path + (key,))


def has_programs_of_its_own(folder):
    """Its actors are not those that the schema of these programs lists."""
    build = folder / "CMakeLists.txt"
    return build.exists() and "troupe_programs(" in build.read_text()


class Schema(unittest.TestCase):
    maxDiff = None

    def test_it_takes_the_examples(self):
        files = [each for each in sorted(EXAMPLES.glob("*/*.yaml")) if not has_programs_of_its_own(each.parent)]
        texts = [each.read_text() for each in files if "\ntroupe: 1" in each.read_text()]
        self.assertGreaterEqual(len(texts), 2)

        for said in judged(texts + [GOOD]):
            self.assertEqual([], said["faults"])

    def test_it_refuses_what_has_the_wrong_shape_as_the_reader_does(self):
        self.assertEqual([], topology_files.faults_of(GOOD))
        for old, _ in BAD.values():
            self.assertEqual(1, GOOD.count(old), old)
        texts = [GOOD.replace(old, new) for old, new in BAD.values()]

        for why, text, said in zip(BAD, texts, judged(texts), strict=True):
            with self.subTest(why):
                self.assertTrue(topology_files.faults_of(text))
                self.assertTrue(said["faults"])

    def test_it_takes_whatever_the_reader_takes(self):
        whole = judged([GOOD])[0]["value"]
        texts = [json.dumps(each) for each in changed(whole, whole)]
        with ThreadPoolExecutor(2) as pool:
            is_taken = [not faults for faults in pool.map(topology_files.faults_of, texts)]
        taken = [text for text, taken in zip(texts, is_taken, strict=True) if taken]
        self.assertGreater(len(taken), 60)

        for text, said in zip(taken, judged(taken), strict=True):
            self.assertEqual([], said["faults"], text)


if __name__ == "__main__":
    JUDGE = judges.need("documents")
    unittest.main()
