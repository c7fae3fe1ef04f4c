"""Metrics as Prometheus itself reads them: judged by promtool, scraped, and equal to what the client counted."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, System, SystemTest, free_port

CALLS = 500
REFUSED = 30
WRITES = 200
EVENTS = 100
GETS = 40
SKIPPED = 77
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "observability"


def fetch(url: str, accept: str = "*/*") -> tuple[str, str]:
    """Content-Type and body."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def with_gateway(test: SystemTest) -> tuple[System, str]:
    """A running system, and where its gateway listens."""
    listens, admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
    system = test.system(nodes=("n1",), admin=True, more="\n".join((
        "gateways:", "  g1:", f'    listen: "http://{listens}"', f'    admin: "{admin}"',
        "    routes:", "      GET /api/notes/count: {call: notes.count}")))
    system.admin["g1"] = admin
    system.broker()
    system.worker()
    system.gateway()
    return system, listens


class Metrics(SystemTest):
    def shop(self) -> System:
        system = self.system(nodes=("n1",), admin=True)
        system.broker()
        system.worker()
        return system

    def test_promtool_has_nothing_to_say(self):
        system = self.shop()
        for node in ("b1", "n1"):
            kind, text = fetch(f"http://{system.admin[node]}/metrics")
            self.assertEqual("text/plain; version=0.0.4; charset=utf-8", kind)
            judged = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                    capture_output=True, check=False)
            self.assertEqual((0, "", ""), (judged.returncode, judged.stdout, judged.stderr))

    def test_prometheus_counts_what_the_client_counted(self):
        system = self.shop()
        prometheus = self.prometheus(system)
        client = system.client()
        ids = [client.send("echo", "echo", {"payload": "x"}) for _ in range(CALLS)]
        ids += [client.send("nobody", "echo", {}) for _ in range(REFUSED)]
        answers = client.collect(ids).values()
        good = sum(each.ok for each in answers)
        self.assertEqual((CALLS, CALLS + REFUSED), (good, len(answers)))
        for query, wanted in (
                ('troupe_broker_calls_total', CALLS + REFUSED),
                ('troupe_broker_calls_refused_total', REFUSED),
                ('troupe_worker_calls_answered_total{capability="echo"}', CALLS),
                ('troupe_worker_calls_answered_total{capability="notes"}', 0),
                ('troupe_broker_worker_live{node="n1"}', 1),
                ('troupe_worker_broker_joined{broker="b1"}', 1),
                ('troupe_broker_capability_served{capability="notes"}', 1),
                ('troupe_broker_call_seconds_count{capability="echo",outcome="ok"}', CALLS),
                ('troupe_broker_call_seconds_bucket{capability="echo",outcome="ok",le="+Inf"}', CALLS),
                ('sum(troupe_broker_call_seconds_count{outcome!="ok"})', 0),
                ('troupe_broker_queue_seconds_count{capability="echo"}', CALLS),
                ('troupe_worker_queue_seconds_count{capability="echo"}', CALLS),
                ('troupe_worker_handler_seconds_count{capability="echo",operation="echo"}', CALLS),
                ('troupe_worker_calls_total{capability="echo",operation="echo",outcome="ok"}', CALLS),
                # What has not happened yet is there, as a rate sees no number that begins.
                ('troupe_worker_calls_total{capability="echo",operation="echo",outcome="crashed"}', 0),
                ('troupe_worker_calls_total{capability="notes",operation="",outcome="circuit_open"}', 0),
                ('count(troupe_worker_calls_total{operation="add"}) or vector(0)', 0),
                ('sum(up)', 2)):
            self.await_value(prometheus, query, wanted)

    def test_outcomes_turns_and_events_are_counted_as_their_callers_saw_them(self):
        system = self.system(
            {"notes": "{actor: notes, replicas: 2}",
             "witness": "{actor: witness, subscribes: [sight.*], retry: {attempts: 1}}"},
            nodes=("n1",), admin=True)
        system.broker()
        system.worker()
        prometheus = self.prometheus(system)
        client = system.client()
        writes = [client.send("notes", "add", {"text": str(n)}) for n in range(WRITES)]
        self.assertTrue(all(each.ok for each in client.collect(writes).values()))
        self.assertFalse(client.call("notes", "nonsense", {}).ok)
        published = [client.send("troupe.publish", "sight.seen", {"n": n}, key=str(n))
                     for n in range(EVENTS)]
        self.assertTrue(all(each.ok for each in client.collect(published).values()))
        client.call("troupe.publish", "sight.seen", {"n": "no number"})
        ordered = [client.call("troupe.events", "schedule", {
            "topic": "later", "key": "", "body": b"\x80", "after": after}) for after in (1, 3_600_000, 3_600_000)]
        self.assertTrue(all(each.ok for each in ordered), ordered)
        self.assertTrue(client.call("troupe.events", "cancel_scheduled", {
            "id": ordered[1].body["id"], "who": "a person", "why": "sold out"}).ok)
        for query, wanted in (
                ('troupe_worker_calls_total{operation="add",outcome="ok"}', WRITES),
                ('troupe_worker_calls_total{capability="notes",operation="",outcome="unknown_operation"}', 1),
                ('troupe_worker_handler_seconds_count{operation="add"}', WRITES),
                ('troupe_broker_call_seconds_count{capability="notes",outcome="error"}', 1),
                ('troupe_worker_commit_seconds_count{capability="notes"}'
                 ' == bool troupe_worker_turn_seconds_count', 1),
                ('troupe_broker_publish_seconds_count', EVENTS + 2),
                ('troupe_broker_scheduled_events', 1),
                ('troupe_broker_scheduled_published_total', 1),
                ('troupe_broker_scheduled_cancelled_total', 1),
                ('troupe_broker_events_handled_total{capability="witness"}', EVENTS),
                ('troupe_worker_event_handler_seconds_count{capability="witness"}', EVENTS + 1),
                ('troupe_broker_subscription_lag_events{capability="witness"}', 0),
                ('troupe_broker_dead_letters{capability="witness"}', 1),
                ('troupe_worker_breaker_state{capability="notes",state="closed"}', 1)):
            self.await_value(prometheus, query, wanted)

    def test_a_gateway_counts_what_was_asked_of_its_routes(self):
        system, listens = with_gateway(self)
        prometheus = self.prometheus(system)
        for _ in range(GETS):
            self.assertEqual({"count": 0}, json.loads(fetch(f"http://{listens}/api/notes/count")[1]))
        with self.assertRaises(urllib.error.HTTPError):
            fetch(f"http://{listens}/nothing")
        route = 'route="GET /api/notes/count"'
        for query, wanted in (
                (f'troupe_gateway_answers_total{{{route},status="2xx"}}', GETS),
                (f'troupe_gateway_request_seconds_count{{{route}}}', GETS),
                (f'troupe_gateway_requests_in_flight{{{route}}}', 0),
                ('troupe_gateway_answers_total{route="",status="4xx"}', 1),
                ('troupe_gateway_read_bytes_total > bool 1000', 1),
                ('troupe_gateway_written_bytes_total > bool 1000', 1),
                ('troupe_broker_call_seconds_count{capability="notes",outcome="ok"}', GETS),
                ('troupe_gateway_broker_joined{broker="b1"}', 1)):
            self.await_value(prometheus, query, wanted)
        judged = subprocess.run(["promtool", "check", "metrics"], text=True, capture_output=True,
                                input=fetch(f"http://{system.admin['g1']}/metrics")[1],
                                check=False)
        self.assertEqual((0, "", ""), (judged.returncode, judged.stdout, judged.stderr))

    def prometheus(self, system: System) -> str:
        port = free_port()
        config = system.folder / "prometheus.json"  # JSON is YAML.
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "troupe", "static_configs": [
                {"targets": list(system.admin.values())}]}]}))
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
             f"--storage.tsdb.path={system.folder}/prometheus"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return f"http://127.0.0.1:{port}/api/v1/query?"

    def await_value(self, prometheus: str, query: str, wanted: int) -> None:
        until = time.monotonic() + 2 * PATIENCE
        found = None
        while found != wanted:
            self.assertLess(time.monotonic(), until, f"{query} is {found}")
            try:
                said = json.loads(fetch(prometheus + urllib.parse.urlencode({"query": query}))[1])
            except OSError:
                continue  # Prometheus does not listen yet.
            values = [int(each["value"][1]) for each in said["data"]["result"]]
            found = values[0] if len(values) == 1 else values

    def test_openmetrics_is_written_for_who_asks(self):
        system = self.shop()
        kind, text = fetch(f"http://{system.admin['n1']}/metrics",
                           "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        self.assertTrue(kind.startswith("application/openmetrics-text; version=1.0.0"))
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertIn("# TYPE troupe_worker_turns counter\n", text)
        self.assertIn('troupe_worker_turns_total{capability="notes"} ', text)


class Example(SystemTest):
    """examples/observability: alerts and dashboard ask for what there is."""

    def test_the_alerts_fire_on_what_they_are_for_and_not_else(self):
        for words in (("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"),
                      ("test", "rules", "rules_test.yml")):
            judged = subprocess.run(["promtool", *words], cwd=EXAMPLE, text=True,
                                    capture_output=True, check=False)
            self.assertEqual(0, judged.returncode, judged.stdout + judged.stderr)
        alerts = re.findall(r"- alert: (\w+)", (EXAMPLE / "rules.yml").read_text())
        fired = re.findall(r'alertname="(\w+)"', (EXAMPLE / "rules_test.yml").read_text())
        self.assertEqual(sorted(alerts), sorted(fired), "each alert has one test that fires it")

    def test_every_metric_that_is_asked_for_exists(self):
        system, _ = with_gateway(self)
        there = set()
        for node in ("b1", "n1", "g1"):
            text = fetch(f"http://{system.admin[node]}/metrics")[1]
            for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
                parts = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
                there |= {name + part for part in parts}
        for file in ("rules.yml", "dashboard.json", "rules_test.yml"):
            asked = set(re.findall(r"\btroupe_[a-z_]+", (EXAMPLE / file).read_text()))
            # Texts name a histogram as a whole.
            missing = {each for each in asked - there if each + "_bucket" not in there}
            self.assertEqual(set(), missing, f"{file} asks for what no node has")
            self.assertGreater(len(asked), 20)


if __name__ == "__main__":
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("skipped: there is no prometheus (Debian: prometheus)", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
