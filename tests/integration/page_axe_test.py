"""axe finds nothing that keeps anybody from reading the page: at rest and in trouble, light and dark, small and large."""

import pathlib
import sys
import unittest

import browser
from harness import SystemTest
from played_page import PlayedPage, group, state

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))

import judges  # noqa: E402

LETTER = {"id": "a", "capability": "one", "position": 1, "event_id": "b", "topic": "order.placed", "key": "k", "cause": "rejected",
          "attempts": 3, "first_at": 1, "last_at": 2, "node": "n1", "replica": 0, "error": "no", "traceparent": ""}
SAGA = {"id": "c", "capability": "one", "operation": "place", "state": "parked", "step": "do charge", "code": "rejected",
        "reason": "by ann", "maybe_done": False, "since": 1, "nodes": ["n1"]}
TROUBLES = [{"is": "wrong", "what": "node n2 is away", "for_ms": 5000, "why": "who knows", "next": "`troupe up x` starts it"},
            {"is": "waiting", "what": "1 saga stands still", "why": "", "next": "look"}]


def troubled() -> dict:
    answer = state(["one", "two"], verdict="degraded", headline="played is degraded", troubles=TROUBLES, letters=[LETTER],
                   sagas={"counts": {"parked": 1}, "list": [SAGA]},
                   traces=[{"trace": "t", "name": "call", "node": "n1", "at": 1, "us": 10, "spans": 2, "failed": 1}])
    answer["places"]["nodes"][1]["presence"] = "away"
    answer["nodes"][0]["status"]["groups"][0] = group("one", breaker="half_open")
    return answer


class Axe(SystemTest):
    def test_it_finds_nothing(self):
        page = browser.Browser()
        self.addCleanup(page.close)
        for name, answer in (("well", state(["one", "two"])), ("troubled", troubled())):
            played = PlayedPage(answer)
            self.addCleanup(played.close)
            page.open(played.port)
            page.wait("return document.querySelectorAll('#grid tbody tr').length > 0")
            page.run(AXE)
            for theme, width in (("light", 1280), ("dark", 360)):
                with self.subTest(name, theme=theme, width=width):
                    page.resize(width, 900)
                    page.run("document.documentElement.dataset.theme = arguments[0]", theme)
                    self.assertEqual([], self.judged(page))
                    page.run("document.querySelector('#grid button').click()")
                    self.assertEqual([], self.judged(page))
                    page.run("document.getElementById('details-close').click()")

    def judged(self, page: browser.Browser) -> list:
        return page.driver.execute_async_script("""
          const done = arguments[0];
          axe.run().then(({violations}) => done(violations.map((each) =>
            [each.id, each.help, each.nodes.slice(0, 3).map((node) => node.html + node.failureSummary)])));""")


if __name__ == "__main__":
    try:
        browser.need()
    except unittest.SkipTest as why:
        judges.skip(str(why))
    AXE = (judges.need("page") / "node_modules" / "axe-core" / "axe.min.js").read_text()
    unittest.main()
