"""axe finds nothing that keeps anybody from reading the page: at rest and in trouble, light and dark, small and large."""

import pathlib
import sys
import unittest

import browser
from harness import SystemTest
from played_page import SAGA, TRACE, PlayedPage, group, history, spans, state

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))

import judges  # noqa: E402

LETTER = {"id": "a", "capability": "one", "position": 1, "event_id": "b", "topic": "order.placed", "key": "k", "cause": "rejected",
          "attempts": 3, "first_at": 1, "last_at": 2, "node": "n1", "replica": 0, "error": "no", "traceparent": ""}
TROUBLES = [{"is": "wrong", "what": "node n2 is away", "for_ms": 5000, "why": "who knows", "next": "`troupe up x` starts it"},
            {"is": "waiting", "what": "1 saga stands still", "why": "", "next": "look"}]


def troubled() -> dict:
    answer = state(["one", "two"], verdict="degraded", headline="played is degraded", troubles=TROUBLES, letters=[LETTER],
                   sagas={"counts": {"parked": 1}, "list": [SAGA]},
                   traces=[TRACE])
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

    def test_it_finds_nothing_in_dialogs_forms_and_notices(self):
        played = PlayedPage(troubled())
        self.addCleanup(played.close)
        played.details = {"sagas/one/c": history(), "traces/t": spans(silent=["n2"], cut=["b1"])}
        page = browser.Browser()
        self.addCleanup(page.close)
        page.open(played.port)
        page.wait("return document.querySelectorAll('#grid tbody tr').length > 0")
        page.run(AXE)
        opened = {"sagas": "#details .line li", "traces": "#details .bars tbody tr", "letters": "#details dl"}
        for theme, width in (("light", 1280), ("dark", 360), ("dark", 1280), ("light", 360)):
            page.resize(width, 900)
            page.run("document.documentElement.dataset.theme = arguments[0]", theme)
            for card, there in opened.items():
                with self.subTest(card, theme=theme, width=width):
                    page.run("document.querySelector(`#${arguments[0]} button`).click()", card)
                    page.wait("return document.querySelector(arguments[0]) !== null", there)
                    self.assertEqual([], self.judged(page))
                    if card != "traces":
                        page.run("document.querySelector('#details-orders button').click()")  # It asks for a reason.
                        page.wait("return document.getElementById('order-why') !== null")
                        self.assertEqual([], self.judged(page))
                    page.run("document.getElementById('details-close').click()")
        for theme in ("light", "dark"):
            page.run("document.documentElement.dataset.theme = arguments[0]", theme)
            with self.subTest("the gateway is silent", theme=theme):
                played.refusal = (500, {"detail": "it is ill"})
                page.wait("return document.body.classList.contains('stale') && !document.getElementById('notice').hidden")
                self.assertEqual([], self.judged(page))
                played.refusal = None
                page.wait("return document.getElementById('notice').textContent.startsWith('Connected again')")
                self.assertEqual([], self.judged(page))
            with self.subTest("who are you", theme=theme):
                played.refusal = (401, {"detail": "there is no token"})
                page.wait("return !document.getElementById('token').hidden")
                self.assertEqual([], self.judged(page))
                played.refusal = None
                page.run("document.getElementById('token-text').value = 'x'; document.getElementById('token').requestSubmit()")
                page.wait("return document.getElementById('token').hidden")

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
