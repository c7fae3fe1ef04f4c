"""The page in a headless Chromium: what a person sees of a killed worker, a forced breaker, hostile names and restarts."""

import sys
import time
import unittest

import browser
from gateway_systems import GatewayTest
from harness import PATIENCE
from played_page import PlayedPage, group, state
from secured_systems import troupe

SKIPPED = 77
CAPABILITIES = {"echo": "{actor: echo, replicas: 2, store: none}", "notes": "{actor: notes, replicas: 2}"}
ROUTES = "POST /echo: {call: echo.echo}"
HOSTILE = ["<img src=x onerror=alert(1)>", "a\u202eevil\u0007", "</script><script>document.title='got'</script>", "x" * 300]


class InBrowser(GatewayTest):
    def look(self, port: int, **more: int) -> browser.Browser:
        made = browser.Browser(**more)
        self.addCleanup(made.close)
        made.open(port)
        made.wait("return document.querySelectorAll('#grid tbody tr').length > 0")
        return made

    def play(self, answer: dict) -> PlayedPage:
        made = PlayedPage(answer)
        self.addCleanup(made.close)
        return made

    def assert_clean(self, page: browser.Browser, *expected: str) -> None:
        faults = [each for each in page.faults() if not any(one in each for one in expected)]
        self.assertEqual([], faults)
        self.assertEqual(set(), page.hosts() - {"127.0.0.1"})

    def test_what_goes_wrong_is_seen(self):
        system, gateway = self.served(CAPABILITIES, ROUTES, keys="    ui: loopback\n")
        broker = system.broker()
        worker = system.worker("n1")
        process = self.start(system)
        page = self.look(gateway.port)
        page.wait("return document.getElementById('headline').textContent.endsWith('is healthy')")
        self.assertIn(": ok", page.cell("echo", "n1"))

        done = troupe("breaker", system.file, "echo", "open", "--why", HOSTILE[0])
        self.assertEqual(0, done.returncode, done.stderr)
        page.wait("return document.getElementById('breakers').textContent.includes(arguments[0])", HOSTILE[0])
        page.wait("return document.getElementById('troubles').textContent.includes('forced open')")
        self.assertEqual(0, page.run("return document.querySelectorAll('#main img').length"))
        # Given back at the page itself.
        page.run("""[...document.querySelectorAll('#grid button')].find((each) =>
          each.getAttribute('aria-label').startsWith('echo on n1')).click()""")
        page.wait("return [...document.querySelectorAll('#details-orders button')].some((each) => each.textContent === 'Give back')")
        page.run("""[...document.querySelectorAll('#details-orders button')].find((each) =>
          each.textContent === 'Give back').click();
          document.getElementById('order-why').value = 'enough';
          document.querySelector('#details-orders form').requestSubmit()""")
        page.wait("return document.querySelector('#details-orders [role=status]').textContent.startsWith('Give back: n1: half open')")
        self.assertEqual("enough", worker.wait_for("breaker.forced", why="enough")["why"])
        page.run("document.getElementById('details-close').click()")
        page.wait("return document.getElementById('breakers').textContent.includes('half open')")
        self.assert_clean(page)

        began = time.monotonic()
        worker.kill()
        while page.cell("echo", "n1").endswith(": half open"):
            self.assertLess(time.monotonic(), began + PATIENCE)
        took = time.monotonic() - began
        print(f"a killed worker's cell changed after {took:.2f} s")
        self.assertLess(took, 10)  # 2 s on a machine of its own.
        self.assertRegex(page.cell("echo", "n1"), "away|no answer")
        system.worker("n1")
        page.wait("return document.querySelector('#grid .place.ok') !== null")

        broker.kill()
        page.wait("return document.getElementById('verdict').dataset.verdict === 'unreachable'")
        system.broker()
        page.wait("return document.getElementById('headline').textContent.endsWith('is healthy')")
        self.assert_clean(page)

        process.kill()
        page.wait("return document.getElementById('notice').textContent.includes('does not answer since')")
        self.assertTrue(page.run("return document.body.classList.contains('stale')"))
        self.start(system)
        page.wait("return document.getElementById('notice').textContent.includes('was started anew')")
        page.wait("return !document.body.classList.contains('stale')")
        self.assert_clean(page, "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")

    def test_hostile_names_are_text(self):
        answer = state(HOSTILE, headline=HOSTILE[0], troubles=[
            {"is": "wrong", "what": each, "why": each, "next": f"`{each}` mends {each}"} for each in HOSTILE])
        for node in answer["nodes"]:
            node["status"]["groups"] = [
                group(each, breaker="forced_open", forced_by=each, forced_why=each, down_reason=each) for each in HOSTILE]
        answer["letters"] = [{"id": each, "capability": each, "position": 1, "event_id": each, "topic": each, "key": each,
                              "cause": each, "attempts": 1, "first_at": 1, "last_at": 2, "node": each, "replica": 0,
                              "error": each, "traceparent": each} for each in HOSTILE]
        page = self.look(self.play(answer).port)
        for size in ({"width": 360, "height": 640}, {"width": 3840, "height": 2160}):
            with self.subTest(**size):
                page.resize(**size)
                page.run("document.querySelector('#grid button').click()")
                page.run("document.getElementById('details-close').click()")
                page.run("document.querySelector('#letters button').click()")
                page.run("document.getElementById('details-close').click()")
                self.assertEqual(0, page.run("return document.querySelectorAll('body img, body script').length"))
                self.assertNotIn("got", page.run("return document.title"))
                text = page.run("return document.body.textContent")
                self.assertIn(HOSTILE[0], text)
                self.assertIn("a⟨U+202E⟩evil⟨U+0007⟩", text)
                self.assertLessEqual(page.run("return document.documentElement.scrollWidth - innerWidth"), 0)
                self.assert_clean(page)

    def test_a_thousand_capabilities_are_drawn_within_a_second(self):
        page = self.look(self.play(state([f"capability_{i}" for i in range(1000)])).port)
        self.assertEqual(1000, page.run("return document.querySelectorAll('#grid tbody tr').length"))
        took = page.wait("return performance.getEntriesByName('troupe.draw')[0]?.duration")
        print(f"1,000 capabilities are drawn within {took:.0f} ms")
        self.assertLess(took, 5000)  # 1 s on a machine of its own.
        page.run("""const find = document.getElementById('find');
                    find.value = 'capability_77'; find.dispatchEvent(new Event('input'));""")
        self.assertEqual(11, page.run("return document.querySelectorAll('#grid tbody tr:not([hidden])').length"))
        self.assert_clean(page)

    def test_an_order_asks_for_a_reason_and_says_what_came_of_it(self):
        answer = state(["one"])
        answer["letters"] = [{"id": "a/b", "capability": "one", "position": 1, "event_id": "e", "topic": "t", "key": "k",
                              "cause": "rejected", "attempts": 1, "first_at": 1, "last_at": 2, "node": "n1", "replica": 0,
                              "error": "no", "traceparent": ""}]
        played = self.play(answer)
        page = self.look(played.port)
        page.run("document.querySelector('#letters button').click()")
        labels = "return [...document.querySelectorAll('#details-orders button')].map((each) => each.textContent)"
        self.assertEqual(["Deliver again", "Drop"], page.run(labels))
        page.run("document.querySelectorAll('#details-orders button')[1].click()")
        self.assertEqual("order-why", page.run("return document.activeElement.id"))
        page.run("document.querySelector('#details-orders form').requestSubmit()")  # Without a reason nothing is sent.
        self.assertEqual([], played.orders)
        from selenium.webdriver.common.keys import Keys
        page.driver.switch_to.active_element.send_keys(HOSTILE[0] + Keys.ENTER)
        page.wait("return document.querySelector('#details-orders [role=status]').textContent === 'Drop: it is done'")
        path, words, fields = played.orders[0]
        self.assertEqual(("/ui/letters/a%2Fb/drop", {"why": HOSTILE[0]}, "application/json"),
                         (path, words, fields["Content-Type"]))
        played.order_answer = (409, {"detail": HOSTILE[0]})
        page.run("document.querySelectorAll('#details-orders button')[0].click()")
        page.driver.switch_to.active_element.send_keys("again" + Keys.ENTER)
        page.wait("return document.querySelector('#details-orders [role=status]').textContent === `Not done: ${arguments[0]}`",
                  HOSTILE[0])
        self.assertEqual(0, page.run("return document.querySelectorAll('#details img').length"))
        page.run("document.getElementById('details-close').click()")
        page.run("document.querySelector('#grid button').click()")
        self.assertEqual(["Force open", "Force closed"], page.run(labels))
        played.answer = {**answer, "orders": []}
        page.run("document.getElementById('details-close').click()")
        page.wait("document.querySelector('#letters button').click(); "
                  "const none = document.querySelectorAll('#details-orders button').length === 0; "
                  "document.getElementById('details-close').click(); return none")
        self.assert_clean(page, "409")

    def test_the_keyboard_is_enough(self):
        page = self.look(self.play(state(["one", "two"])).port)
        from selenium.webdriver.common.keys import Keys
        page.run("document.querySelector('#grid button').focus()")
        page.driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
        page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        self.assertIn("two on n2", page.run("return document.activeElement.getAttribute('aria-label')"))
        page.driver.switch_to.active_element.send_keys(Keys.ENTER)
        self.assertEqual("two on n2", page.wait("return document.getElementById('details').open "
                                                "&& document.getElementById('details-title').textContent"))
        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        page.wait("return !document.getElementById('details').open")
        self.assertIn("two on n2", page.run("return document.activeElement.getAttribute('aria-label')"))
        self.assertEqual(1, page.run("return document.querySelectorAll('#grid button[tabindex=\"0\"]').length"))
        page.run("document.getElementById('zone').click()")
        self.assertEqual("Local time", page.run("return document.getElementById('zone').textContent"))
        self.assert_clean(page)


if __name__ == "__main__":
    try:
        browser.need()
    except unittest.SkipTest as why:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    unittest.main()
