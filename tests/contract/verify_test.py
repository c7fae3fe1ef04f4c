"""`troupe contract verify` against a provider that keeps a contract, and against one that does not."""

import json
import pathlib
import tempfile
import unittest

from stand_in import ID, MATCHERS, Case, Provider, one_of, verify, write_contracts

CONFIRMED = {"order_id": ID, "customer": "grace", "amount_cents": 700}


class Verify(Case):
    @classmethod
    def setUpClass(cls) -> None:
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        cls.folder = pathlib.Path(cls._folder.name)
        write_contracts(cls.folder)
        cls.web = json.loads((cls.folder / "web-shop.json").read_text())

    def test_a_provider_that_keeps_the_contract_passes(self):
        provider = self.provider()
        provider.set_matchers(0)

        done = verify(self.folder / "web-shop.json", "--url", provider.url,
                      "--states", provider.url + "/_pact/state")

        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertIn("  ok      a request for user 123, given user exists\n", done.stdout)
        self.assertIn(f"  failed: 0 of {len(MATCHERS) + 1}\n", done.stdout)
        self.assertEqual(["user exists"], provider.states)

    def test_a_method_may_be_written_in_small_letters(self):
        provider = self.provider()
        contract = one_of(self.web, "a request for user 123")
        contract["interactions"][0]["request"]["method"] = "get"

        done = verify(self.write(self.folder, contract), "--url", provider.url, "--states",
                      provider.url + "/_pact/state")

        self.assertEqual(0, done.returncode, done.stdout)

    def test_each_matcher_tells_what_does_not_fit(self):
        provider = self.provider()
        provider.set_matchers(1)

        done = verify(self.folder / "web-shop.json", "--url", provider.url,
                      "--states", provider.url + "/_pact/state", "--json")

        self.assertEqual(1, done.returncode)
        said = {each["interaction"]: each for each in map(json.loads, done.stdout.splitlines())}
        for name in MATCHERS:
            found = said[f"the matcher {name}"]
            self.assertFalse(found["holds"], name)
            self.assertTrue(found["differences"][0]["where"].startswith("$.value"), found)
        self.assertTrue(said["a request for user 123, given user exists"]["holds"])

    def test_differences_are_told_line_by_line_within_80_columns(self):
        provider = self.provider()
        provider.answers["/users/123"] = (201, {"id": 123, "name": ["a long list"] * 9})
        one = self.write(self.folder, one_of(self.web, "a request for user 123"))

        done = verify(one, "--url", provider.url, "--states", "true")

        self.assertEqual(1, done.returncode)
        self.assertEqual([
            "web -> shop",
            "  FAILED  a request for user 123, given user exists",
            "            status: wanted 200, got 201",
            '            $.email: is missing, wanted such as "ada@shop.example" (text)',
            '            $.id: wanted "123" (text), got 123 (integer)',
            '            $.name: wanted text, such as "Ada" (text), got ["a long list","a',
            '            long list","a long list","a long list","a ... (array)',
            "  failed: 1 of 1",
        ], done.stdout.splitlines())
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)

    def test_a_state_is_set_up_by_a_command_whose_values_are_asked_for(self):
        provider = self.provider()
        provider.answers["/users/777"] = {"id": "777"}
        contract = one_of(self.web, "a request for user 123")
        contract["interactions"][0]["request"]["generators"] = {
            "path": {"type": "ProviderState", "expression": "/users/${id}"}}
        contract["interactions"][0]["response"] = {"status": 200}
        one = self.write(self.folder, contract)
        hook = self.folder / "states.sh"
        hook.write_text('#!/bin/sh\ncat > "$0.stdin"\necho "$1/$2" > "$0.words"\necho \'{"id": 777}\'\n')
        hook.chmod(0o755)

        done = verify(one, "--url", provider.url, "--states", hook)

        self.assertEqual(0, done.returncode, done.stdout)
        self.assertEqual("setup/user exists\n", (self.folder / "states.sh.words").read_text())
        self.assertEqual({"state": "user exists", "params": {"id": "123"}, "action": "setup"},
                         json.loads((self.folder / "states.sh.stdin").read_text()))

    def test_a_state_that_cannot_be_had_fails_its_interaction(self):
        provider = self.provider()
        one = self.write(self.folder, one_of(self.web, "a request for user 123"))

        for hook, why in (("exit 3;", "ended with 3"), (provider.url + "/nowhere", "answered 404"),
                          ("echo no json #", "no JSON")):
            done = verify(one, "--url", provider.url, "--states", hook)
            self.assertEqual(1, done.returncode)
            self.assertIn(why, " ".join(done.stdout.split()))
        done = verify(one, "--url", provider.url, "--states", "cat /dev/zero >/dev/null #", "--deadline", "200ms")
        self.assertIn("did not end within 200 ms", " ".join(done.stdout.split()))

    def test_a_message_comes_from_a_hook(self):
        provider = self.provider()
        words = (self.folder / "mailer-shop.json", "--messages", provider.url + "/_pact/messages",
                 "--states", provider.url + "/_pact/state")

        provider.messages["a confirmed order"] = (CONFIRMED, {"topic": "order.confirmed"})
        good = verify(*words)
        provider.messages["a confirmed order"] = (
            {**CONFIRMED, "amount_cents": "7.00"}, {"topic": "order.created"})
        bad = verify(*words)
        provider.messages.clear()
        none = verify(*words)

        self.assertEqual([0, 1, 1], [each.returncode for each in (good, bad, none)], good.stdout)
        self.assertIn("metadata topic:", bad.stdout)
        self.assertIn('$.amount_cents: wanted an integer, got "7.00" (text)', bad.stdout)
        self.assertIn("the hook of messages answered 404", none.stdout)

    def test_a_pending_interaction_is_told_and_breaks_nothing(self):
        provider = self.provider()
        contract = one_of(self.web, "the matcher plain")
        contract["interactions"][0]["pending"] = True

        done = verify(self.write(self.folder, contract), "--url", provider.url)

        self.assertEqual(0, done.returncode)
        self.assertIn("  pending the matcher plain\n", done.stdout)

    def test_a_contract_sends_nobody_elsewhere(self):
        provider, other = self.provider(), self.provider()
        other.answers["/users/123"] = provider.answers["/users/123"] = {"id": "123"}
        contract = one_of(self.web, "a request for user 123")
        for wrong, why in (({"path": other.url.replace("http://", "@") + "/users/123"}, "does not begin with `/`"),
                           ({"headers": {"X-A": ["1\r\nX-B: 2"]}}, "the field `X-A`"),
                           ({"method": "GET /users/9 HTTP/1.1\r\nHost: x\r\n\r\nGET"}, "no method")):
            contract["interactions"][0]["request"] = {"method": "GET", "path": "/users/123", **wrong}
            done = verify(self.write(self.folder, contract), "--url", provider.url, "--states", "true")
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertIn(why, " ".join(done.stdout.split()))
        self.assertEqual([], [*provider.asked, *other.asked])

    def test_nobody_at_the_address_fails(self):
        provider = Provider()
        url = provider.url
        provider.close()

        done = verify(self.write(self.folder, one_of(self.web, "the matcher plain")), "--url", url)

        self.assertEqual(1, done.returncode)
        self.assertIn("GET " + url + "/matchers/plain", done.stdout)

    def test_what_cannot_be_used_is_told_before_anything_is_asked(self):
        provider = self.provider()
        web = self.folder / "web-shop.json"
        empty = self.write(self.folder, {**self.web, "interactions": []}, "empty.json")
        old = self.write(self.folder, {**self.web, "metadata": {"pactSpecification": {"version": "2.0"}}},
                         "old.json")
        for words, why in (
                ((), "no contract"),
                ((self.folder / "none.json", "--url", provider.url), "cannot be read"),
                ((empty, "--url", provider.url), "always hold"),
                ((old, "--url", provider.url), "version 4"),
                ((web,), "--url"),
                ((web, "--url", "shop.example"), "http://HOST:PORT"),
                ((web, "--url", provider.url), "--states"),
                ((self.folder / "mailer-shop.json",), "--topology or --messages")):
            done = verify(*words)
            self.assertEqual(2, done.returncode, words)
            self.assertIn(why, done.stderr)
        self.assertEqual([], provider.states)


if __name__ == "__main__":
    unittest.main()
