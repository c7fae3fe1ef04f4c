"""The page in a headless Chromium: what a person sees of a killed worker, a forced breaker, hostile names and restarts."""

import re
import sys
import time
import unittest

import browser
from gateway_systems import GatewayTest
from harness import PATIENCE
from played_page import SAGA, TRACE, PlayedPage, group, history, spans, state
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
        self.assertLess(took, 2000)  # 0.3 s on a busy machine.
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

    def test_what_nobody_tells_is_not_said_to_be_nothing(self):
        answer = state(["one"])
        for node in answer["nodes"][1:]:
            node.update(answers=False, status=None, error={"code": "deadline_exceeded", "message": "late"})
        played = self.play(answer)
        page = self.look(played.port)
        text = "return document.getElementById(arguments[0]).innerText"
        for card, words in (("breakers", "All are closed"), ("supervision", "No replica"), ("sagas", "None runs"), ("traces", "No process")):
            with self.subTest(card):
                said = page.run(text, card)
                self.assertIn(words, said)
                self.assertIn("Not known of n2, which does not answer.", said)
        self.assertIn("There are none.", page.run(text, "letters"))
        for each in answer["nodes"] + answer["brokers"]:
            each.update(answers=False, status=None)
        answer["gateways"][0].update(live=None, brokers=[])
        answer["capabilities"][0].update(queue=None)
        played.answer = {**answer, "events": None}
        page.wait("return document.getElementById('letters').innerText.includes('Not known: the journal does not answer')")
        for card in ("breakers", "supervision", "sagas", "traces", "log"):
            with self.subTest(card):
                self.assertIn("Not known: nobody who would know answers.", page.run(text, card))
        self.assertRegex(page.run(text, "processes"), r"g1\s+not known")
        played.answer = state(["one"], sagas={
            "counts": {"forward": 50, "parked": 1}, "at_least": ["forward"], "list": []}, events={
            "last": 9, "topics": [], "groups": [{"capability": "one", "patterns": ["t"], "lag": 0, "in_flight": 0, "retrying": 0, "dead": 70}]})
        page.wait("return document.getElementById('sagas').innerText.includes('50 or more forward')")
        self.assertIn("1 parked", page.run(text, "sagas"))
        self.assertIn("Shown: 0 of 70.", page.run(text, "letters"))
        self.assert_clean(page)

    def test_whoever_has_the_keyboard_or_selects_text_keeps_it_and_sees_no_old_news(self):
        def letters(*names: str) -> list[dict]:
            return [{"id": each, "capability": "one", "position": 1, "event_id": "e", "topic": "t", "key": each, "cause": "rejected",
                     "attempts": 1, "first_at": 1, "last_at": 2, "node": "n1", "replica": 0, "error": "no", "traceparent": ""} for each in names]

        def with_trouble(ms: int, **more: object) -> dict:
            return state(["one"], troubles=[{"is": "wrong", "what": "it", "for_ms": ms, "why": "", "next": "`troupe up x` starts it"}],
                         at=1_800_000_000_000 + ms, **more)
        played = self.play(with_trouble(1000, letters=letters("key-a", "key-b")))
        page = self.look(played.port)
        # A card is drawn anew though a link of it has the keyboard, which stays on what is still there.
        page.run("document.querySelectorAll('#letters button')[1].focus()")
        played.answer = with_trouble(2000, letters=letters("key-b", "key-c"))
        page.wait("return document.getElementById('letters').innerText.includes('key-c')")
        self.assertNotIn("key-a", page.run("return document.getElementById('letters').innerText"))
        self.assertEqual("key-b", page.run("return document.activeElement.dataset.is"))
        played.answer = with_trouble(3000, letters=letters("key-c"))
        page.wait("return document.activeElement.getAttribute('aria-label') === 'Dead letters, scrolls'")
        # What a dialog was opened from gets the keyboard back, even if it was drawn anew meanwhile.
        page.run("document.querySelector('#letters button').focus(); document.querySelector('#letters button').click()")
        played.answer = with_trouble(4000, letters=letters("key-c", "key-d"))
        page.wait("return document.getElementById('letters').innerText.includes('key-d')")
        page.run("document.getElementById('details-close').click()")
        page.wait("return document.activeElement.dataset.is === 'key-c'")
        # The list of troubles is written anew each second in its first minute.
        page.run("document.querySelector('#troubles button').focus()")
        played.answer = with_trouble(9000)
        page.wait("return document.getElementById('troubles').innerText.includes('9 s')")
        self.assertEqual("copy troupe up x", page.run("return document.activeElement.dataset.is"))
        # Selected text stays, and says that it is old.
        played.answer = with_trouble(9000, letters=letters("key-e"))
        page.wait("return document.getElementById('letters').innerText.includes('key-e')")
        page.run("getSelection().selectAllChildren(document.querySelector('#letters table'))")
        played.answer = with_trouble(10_000, letters=letters("key-f"))
        page.wait("return document.querySelector('#letters .held').textContent.startsWith('As of ')")
        self.assertIn("key-e", page.run("return document.querySelector('#letters tbody').innerText"))
        page.run("getSelection().removeAllRanges()")
        page.wait("return document.querySelector('#letters tbody').innerText.includes('key-f')")
        self.assertEqual("", page.run("return document.querySelector('#letters .held').textContent"))
        self.assert_clean(page)

    def test_a_gateway_that_was_started_anew_with_another_topology_is_drawn(self):
        played = self.play(state(["one", "two"]))
        page = self.look(played.port)
        page.run("[...document.querySelectorAll('#grid button')].find((each) => each.getAttribute('aria-label').startsWith('two on n2')).click()")
        moved = state(["one", "two"], incarnation="two")
        moved["places"]["runs"]["two"] = moved["places"]["runs"]["two"][:1]
        played.answer = moved
        page.wait("return document.getElementById('details-body').innerText.includes('does not run on n2 any more')")
        page.run("document.getElementById('details-close').click()")
        page.wait("return ![...document.querySelectorAll('#grid button')].some((each) => each.getAttribute('aria-label').startsWith('two on n2'))")
        self.assertIn(": ok", page.cell("two", "n1"))
        self.assertTrue(page.run("return document.getElementById('notice').hidden"))
        self.assert_clean(page)
        # One whose words this page does not know answers all the same.
        played.answer = {**moved, "places": {"nodes": [], "runs": {}}, "capabilities": None}
        page.wait("return document.getElementById('notice').textContent.includes('load the page anew')")
        self.assertTrue(page.run("return document.body.classList.contains('stale')"))
        played.answer = moved
        page.wait("return document.getElementById('notice').hidden && !document.body.classList.contains('stale')")
        self.assert_clean(page, "capabilities", "null")

    def test_nothing_that_changes_each_second_is_read_aloud(self):
        played = self.play(state(["one"]))
        page = self.look(played.port)
        page.run("""window.spoken = [];
          new MutationObserver((all) => all.forEach((each) => {
            const at = each.target.nodeType === Node.ELEMENT_NODE ? each.target : each.target.parentElement;
            const live = at?.closest("[role=status], [role=alert], [aria-live]");
            if (live) { window.spoken.push(live.textContent); }
          })).observe(document.body, { subtree: true, childList: true, characterData: true });""")
        for n in range(1, 4):
            played.answer = state(["one"], at=1_800_000_000_000 + n * 1000)
            page.wait("return document.getElementById('link').textContent.includes(arguments[0])", f":0{n}")
        self.assertEqual([], page.run("return window.spoken"))
        played.answer = state(["one"], headline="played is degraded: 1 thing is wrong", verdict="degraded")
        page.wait("return window.spoken.some((each) => each.includes('is degraded'))")

    def test_a_killed_node_takes_the_keyboard_from_nobody(self):
        answer = state(["one", "two"])
        played = self.play(answer)
        page = self.look(played.port)
        page.run("document.querySelectorAll('#grid button')[2].focus()")
        changed = state(["one", "two"])
        changed["places"]["nodes"][1].update(presence="away", away_ms=5)
        for each in changed["places"]["runs"].values():
            each[1].update({"is": "bad", "word": "away"})
        played.answer = changed
        page.wait("return document.querySelector('#grid .place.bad') !== null")
        self.assertIn("two on n1", page.run("return document.activeElement.getAttribute('aria-label') ?? ''"))

    def test_the_life_of_a_saga_and_of_a_trace_are_shown(self):
        played = self.play(state(["one"], traces=[{**TRACE, "name": HOSTILE[0]}], sagas={"counts": {"parked": 1}, "list": [SAGA]}))
        played.details = {
            "sagas/one/c": history({"at": 1_800_000_009_000, "what": "paused", "step": HOSTILE[1], "attempt": 1, "note": HOSTILE[0]}),
            "traces/t": spans({"span": "d", "parent": "d", "node": HOSTILE[1], "name": HOSTILE[2], "kind": "internal", "start_us": 1_800_000_000_009_000,
                               "us": 0, "failed": False, "notes": {HOSTILE[0]: HOSTILE[3]}}, silent=["n2"], cut=["b1"])}
        page = self.look(played.port)
        page.run("document.querySelector('#sagas button').click()")
        page.wait("return document.querySelectorAll('#details .line li').length === 8")
        self.assertEqual("Saga c", page.run("return document.getElementById('details-title').textContent"))
        lines = page.run("return [...document.querySelectorAll('#details .line li')].map((each) => [each.className, each.innerText])")
        self.assertEqual(["", "", "ok", "", "bad", "", "bad", ""], [each[0] for each in lines])
        self.assertIn("08:00:04 UTC failed charge\nthe provider is away", lines[4][1])
        self.assertIn("calling charge try 2", lines[5][1])
        self.assertIn(HOSTILE[0], lines[7][1])
        text = page.run("return document.getElementById('details').innerText")
        for words in ("n1", "rejected: by ann", "2027-01-15 08:10:00 UTC", "troupe sagas resume played.yaml one c"):
            self.assertIn(words, text)
        self.assertEqual(["Resume", "Retry the step", "Compensate"], page.run(
            "return [...document.querySelectorAll('#details-orders button')].map((each) => each.textContent)"))
        page.run("document.getElementById('details-close').click(); document.querySelector('#traces button').click()")
        page.wait("return document.querySelectorAll('#details .bars tbody tr').length === 4")
        rows = page.run("""return [...document.querySelectorAll('#details .bars tbody tr')].map((each) => {
          const bar = each.querySelector('rect');
          return [each.cells[0].innerText, each.cells[1].innerText, each.cells[2].innerText, each.cells[0].style.paddingInlineStart,
            Number(bar.getAttribute('x')), bar.getAttribute('class')];
        })""")
        self.assertEqual([["POST /orders", "g1", "9.0 ms", "0.6rem"], ["queue one", "n1", "2.0 ms", "1.5rem"],
                          ["one.place", "n1", "2.0 ms", "1.5rem"]], [each[:4] for each in rows[:3]])
        self.assertEqual([None, None, "bad", None], [each[5] for each in rows])
        self.assertLess(rows[0][4], rows[1][4])
        self.assertLess(rows[1][4], rows[2][4])
        self.assertIn(HOSTILE[2], rows[3][0])
        text = page.run("return document.getElementById('details').innerText")
        self.assertIn("What n2 may have of it is missing: no answer.", text)
        self.assertIn("b1 may have had more spans of it", text)
        self.assertEqual(0, page.run("return document.querySelectorAll('#details img, #details script').length"))
        self.assertLessEqual(page.run("return document.documentElement.scrollWidth - innerWidth"), 0)
        self.assert_clean(page)
        with self.subTest("nobody has it any more"):
            played.details = {"traces/t": {"spans": [], "silent": [], "cut": []}}
            page.run("document.getElementById('details-close').click(); document.querySelector('#traces button').click()")
            page.wait("return document.getElementById('details-body').innerText.includes('No process has spans of it any more')")
            page.run("document.getElementById('details-close').click(); document.querySelector('#sagas button').click()")
            page.wait("return document.getElementById('details-body').innerText.includes('No answer: no sagas/one/c')")
            self.assert_clean(page, "404")

    def test_colours_and_time_zone_are_chosen_and_kept(self):
        page = self.look(self.play(state(["one"], letters=[])).port)
        page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
        ground = "return getComputedStyle(document.body).backgroundColor"
        theme = "return [document.getElementById('theme').textContent, document.documentElement.dataset.theme]"
        press = "document.getElementById(arguments[0]).click()"
        link = "return document.getElementById('link').textContent"
        self.assertEqual(["Colours: system", "auto"], page.run(theme))
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        dark = page.run(ground)
        page.run(press, "theme")
        self.assertEqual(["Colours: light", "light"], page.run(theme))
        self.assertNotEqual(dark, page.run(ground), "light though the system is dark")
        page.run(press, "theme")
        self.assertEqual(["Colours: dark", "dark"], page.run(theme))
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]})
        self.assertEqual(dark, page.run(ground), "dark though the system is light")
        self.assertEqual(["UTC", "as of 08:00:00 UTC"], [page.run("return document.getElementById('zone').textContent"), page.run(link)])
        page.run(press, "zone")
        self.assertEqual("as of 13:30:00", page.run(link))
        self.assertEqual("Local time; show UTC", page.run("return document.getElementById('zone').getAttribute('aria-label')"))
        page.driver.refresh()
        page.wait("return document.querySelectorAll('#grid tbody tr').length > 0")
        self.assertEqual(["Colours: dark", "dark"], page.run(theme))
        self.assertEqual("as of 13:30:00", page.run(link))
        page.run(press, "zone")
        page.run(press, "theme")
        self.assertEqual(["as of 08:00:00 UTC", "auto"], [page.run(link), page.run(theme)[1]])
        self.assert_clean(page)

    def test_fifty_tabs_ask_as_little_as_one(self):
        played = self.play(state(["one"]))
        page = self.look(played.port)
        first = page.driver.current_window_handle
        for n in range(49):
            page.driver.switch_to.new_window("tab")
            page.open(played.port)
            page.wait("return document.querySelectorAll('#grid tbody tr').length > 0")
        # Of all of them one is seen, and it asks once a second.
        played.answer = state(["one"], headline="still here", at=1_800_000_001_000)
        page.wait("return document.getElementById('headline').textContent === 'still here'")
        before, began = played.looks, time.monotonic()
        page.wait("window.until ??= performance.now() + 5000; return performance.now() > window.until")
        looks, took = played.looks - before, time.monotonic() - began
        print(f"50 tabs asked {looks} times in {took:.1f} s")
        self.assertLessEqual(looks, took + 2)
        # Who comes back to one sees what is.
        page.driver.switch_to.window(first)
        page.wait("return document.getElementById('headline').textContent === 'still here'")
        self.assert_clean(page)

    def test_whose_token_is_over_is_asked_for_another(self):
        played = self.play(state(["one"]))
        page = self.look(played.port)
        page.wait("return document.title === 'played: healthy'")
        page.run("document.querySelector('#grid button').click()")
        played.refusal = (403, {"detail": "the token has expired"})
        page.wait("return !document.getElementById('token').hidden")
        self.assertEqual("? who are you", page.run("return document.title"))
        self.assertFalse(page.run("return document.getElementById('details').open"))
        self.assertEqual("token-text", page.wait("return document.activeElement.id"))
        played.refusal = None
        page.run("document.getElementById('token-text').value = 'x'; document.getElementById('token').requestSubmit()")
        page.wait("return document.title === 'played: healthy' && !document.getElementById('main').hidden")
        self.assert_clean(page, "403")

    def test_all_times_are_the_gateways(self):
        at = 1_800_000_000_000
        played = self.play(state(["one"], at=at))
        page = self.look(played.port)
        played.refusal = (500, {"detail": "it is ill"})
        words = page.wait("const words = document.getElementById('notice').textContent;"
                          "return words.includes('does not answer since') && words")
        since, as_of = re.findall(r"\d\d:\d\d:\d\d", words)
        self.assertEqual("08:00:00", as_of)
        self.assertRegex(since, "^0[78]:(00|59):")
        rects = "return [...document.querySelectorAll('#past rect')].map((each) => Number(each.getAttribute('x')))"
        self.assertEqual([], [each for each in page.run(rects) if not 0 <= each < 600])
        self.assertEqual(sorted(page.run(rects)), page.run(rects))
        self.assert_clean(page, "500")

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
