"""Pact's own library and ours agree on the same contracts, providers and faults."""

import json
import pathlib
import sys
import tempfile
import unittest

from running_shop import RunningShop
from stand_in import ID, MATCHERS, Case, one_of, verify, write_contracts

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))
import judges  # noqa: E402

# Verifies each job by pact-core: {name, file, url, hooks}; prints {name: true or what it says}.
VERIFY = """
const core = require('@pact-foundation/pact-core').default;
const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.env.PACT_DO_NOT_TRACK = 'true';
(async () => {
  const said = {};
  for (const job of jobs) {
    said[job.name] = await core.verifyPacts({
      provider: 'shop', providerBaseUrl: job.url, pactUrls: [job.file], logLevel: 'error',
      providerStatesSetupUrl: job.hooks + '/_pact/state', providerStatesSetupBody: true,
      transports: [{protocol: 'message', scheme: 'http', port: Number(new URL(job.hooks).port), path: '/_pact/messages'}],
    }).then(() => true, why => String(why));
  }
  process.stdout.write('\\n' + JSON.stringify(said) + '\\n');
})();
"""

# A consumer that uses pact-js: writes pact-js-shop.json into the folder.
WRITE = """
const {PactV4, MatchersV3: M} = require('@pact-foundation/pact');
const {dir, id} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.env.PACT_DO_NOT_TRACK = 'true';
(async () => {
  const pact = new PactV4({consumer: 'pact-js', provider: 'shop', dir, logLevel: 'error'});
  const body = {
    id: M.integer(123), name: M.string('Ada'), at: M.datetime("yyyy-MM-dd'T'HH:mm:ssX", '2026-11-29T10:00:00Z'),
    tags: M.eachLike(M.string('x'), 2), price: M.decimal(1.5), gone: M.nullValue(), paid: M.boolean(true),
    key: M.uuid(id), title: M.includes('da'), odd: M.arrayContaining({t: M.string('a')}, {t: M.integer(1)}),
    keys: M.eachKeyMatches({k1: 'v'}, [M.regex('^k\\\\d$', 'k1')]), like: M.like({a: 1, b: [1, 2]}),
    same: M.equal('same'), few: M.atMostLike('z', 3), link: M.fromProviderState('/users/${id}', '/users/123'),
  };
  await pact.addInteraction().given('user exists', {id: '123'}).uponReceiving('a user')
    .withRequest('GET', M.regex('^/users/\\\\d+$', '/users/123'), to => to.query({full: M.like('1')})
      .headers({'X-Who': M.regex('\\\\w+', 'ada')}))
    .willRespondWith(200, from => from.headers({'Content-Type': 'application/json'}).jsonBody(body))
    .executeTest(async at => {
      const got = await fetch(at.url + '/users/7?full=2', {headers: {'X-Who': 'bob'}});
      if (!got.ok) throw new Error(await got.text());
    });
  const messages = new PactV4({consumer: 'pact-js-mailer', provider: 'shop', dir, logLevel: 'error'});
  await messages.addAsynchronousInteraction().given('an order is confirmed')
    .expectsToReceive('a confirmed order', to => to
      .withJSONContent({order_id: M.uuid(id), amount_cents: M.integer(5)})
      .withMetadata({topic: 'order.confirmed'}))
    .executeTest(async () => {});
})().catch(why => { console.error(why); process.exit(1); });
"""

GOOD_USER = {
    "id": 7, "name": "Grace", "at": "2027-01-01T00:00:00Z", "tags": ["a", "b", "c"], "price": 2.25,
    "gone": None, "paid": False, "key": ID, "title": "Idaho", "odd": [{"t": 5}, {"t": "b"}],
    "keys": {"k7": "w"}, "like": {"a": 2, "b": [3]}, "same": "same", "few": ["y"], "link": "/users/7"}
# A fault for each of them.
BAD_USER = {
    "id": "7", "name": 7, "at": "2027-01-01", "tags": ["a"], "price": "2", "gone": 0, "paid": "no",
    "key": "x", "title": "Bob", "odd": [{"t": "b"}], "keys": {"x7": "w"}, "like": {"a": "2", "b": [3]},
    "same": "other", "few": ["y"] * 4, "link": 7}


def judged(files: dict[str, pathlib.Path], url: str, hooks: str) -> dict[str, object]:
    """True, or what Pact's library says, for each contract."""
    jobs = [{"name": name, "file": str(file), "url": url, "hooks": hooks} for name, file in files.items()]
    return json.loads(judges.run_node(JUDGE, VERIFY, json.dumps(jobs)).strip().splitlines()[-1])


class JudgedShop(RunningShop):
    def test_the_running_shop_keeps_its_contracts_by_both(self):
        files = {name: self.pacts / f"{name}-shop.json" for name in ("web", "invoices", "office")}
        hooks = self.hooks(*files.values())

        self.assertEqual({name: True for name in files}, judged(files, self.url, hooks))

        changed = json.loads(files["invoices"].read_text())
        changed["interactions"][0]["contents"]["content"]["amount_cents"] = 501
        files["invoices"].write_text(json.dumps(changed))
        hooks = self.hooks(files["invoices"], deadline="2s")
        self.assertIsNot(True, judged({"invoices": files["invoices"]}, self.url, hooks)["invoices"])


class Judged(Case):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def judged(self, provider, files: dict[str, pathlib.Path]) -> dict[str, object]:
        return judged(files, provider.url, provider.url)

    def ours(self, provider, files: dict[str, pathlib.Path]) -> dict[str, int]:
        return {name: verify(file, "--url", provider.url, "--states", provider.url + "/_pact/state",
                             "--messages", provider.url + "/_pact/messages").returncode
                for name, file in files.items()}

    def contracts(self) -> dict[str, pathlib.Path]:
        """Our consumer's, one interaction a file."""
        write_contracts(self.folder)
        web = json.loads((self.folder / "web-shop.json").read_text())
        files = {name: self.write(self.folder, one_of(web, f"the matcher {name}"), f"{name}.json")
                 for name in MATCHERS}
        files["user"] = self.write(self.folder, one_of(web, "a request for user 123"), "user.json")
        files["event"] = self.folder / "mailer-shop.json"
        return files

    def test_what_our_consumer_writes_is_verified_by_both_alike(self):
        provider = self.provider()
        files = self.contracts()

        provider.set_matchers(0)
        provider.messages["a confirmed order"] = (
            {"order_id": ID, "customer": "grace", "amount_cents": 700}, {"topic": "order.confirmed"})
        self.assertEqual({name: True for name in files}, self.judged(provider, files))
        self.assertEqual({name: 0 for name in files}, self.ours(provider, files))
        self.assertIn("user exists", provider.states)

        provider.set_matchers(1)
        provider.answers["/users/123"] = {"id": "123", "name": "Grace"}
        provider.messages["a confirmed order"] = (
            {"order_id": ID, "customer": "grace", "amount_cents": "7.00"}, {"topic": "order.confirmed"})
        passed = [name for name, said in self.judged(provider, files).items() if said is True]
        self.assertEqual([], passed, "these faults pass Pact's library")
        self.assertEqual({name: 1 for name in files}, self.ours(provider, files))

    def test_what_pact_js_writes_is_verified_by_both_alike(self):
        provider = self.provider()
        judges.run_node(JUDGE, WRITE, json.dumps({"dir": str(self.folder), "id": ID}))
        files = {"http": self.folder / "pact-js-shop.json", "event": self.folder / "pact-js-mailer-shop.json"}

        provider.answers["/users/123?full=1"] = GOOD_USER
        provider.messages["a confirmed order"] = (
            {"order_id": ID, "amount_cents": 7, "more": 1}, {"topic": "order.confirmed"})
        self.assertEqual({"http": True, "event": True}, self.judged(provider, files))
        self.assertEqual({"http": 0, "event": 0}, self.ours(provider, files))

        for name, bad in BAD_USER.items():
            provider.answers["/users/123?full=1"] = {**GOOD_USER, name: bad}
            self.assertEqual({"http": 1}, self.ours(provider, {"http": files["http"]}), name)
        provider.answers["/users/123?full=1"] = BAD_USER
        provider.messages["a confirmed order"] = ({"order_id": ID, "amount_cents": 7}, {"topic": "order"})
        said = self.judged(provider, files)
        self.assertTrue(all(each is not True for each in said.values()), said)
        self.assertEqual({"http": 1, "event": 1}, self.ours(provider, files))


if __name__ == "__main__":
    JUDGE = judges.need("contract")
    unittest.main()
