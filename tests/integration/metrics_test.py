"""Metrics as Prometheus itself reads them: judged by promtool, scraped, and equal to what the client counted."""

import json
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

from harness import PATIENCE, System, SystemTest, free_port

CALLS = 500
REFUSED = 30
SKIPPED = 77


def fetch(url: str, accept: str = "*/*") -> tuple[str, str]:
    """Content-Type and body."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


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
                ('sum(up)', 2)):
            self.await_value(prometheus, query, wanted)

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


if __name__ == "__main__":
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("skipped: there is no prometheus (Debian: prometheus)", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
