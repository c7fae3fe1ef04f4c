"""Service tokens judged by others: PyJWT and openssl read ours, and we read PyJWT's."""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import msgpack
from zmq.utils import z85

from gateway_systems import Gateway, Stream, uuid7
from harness import BIN, PATIENCE, Reply, SystemTest, free_port, new_id
from secured_systems import ALL, SecuredSystem, keys_in, troupe

try:
    import jwt
    from jwt.algorithms import OKPAlgorithm
except ImportError:
    print("skipped: no PyJWT here (python3-jwt)")
    sys.exit(77)

TYPE = "troupe-svc+jwt"


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Tokens(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "topology.yaml"
        self.file.write_text(
            "troupe: 1\nname: shop\nbrokers: {b1: {listen: \"tcp://127.0.0.1:5550\"}}\n"
            "nodes: {n1: {}}\nsecurity:\n  tokens: {issuer: shop, audience: shop-services}\n"
            "capabilities:\n  echo: {store: none}\n")

    def make_keys(self, *more: str) -> dict:
        made = troupe("token", "keys", self.file, "--json", *more)
        self.assertEqual(0, made.returncode, made.stderr)
        return json.loads(made.stdout)

    def new(self, service: str) -> str:
        made = troupe("token", "new", self.file, "--for", service)
        self.assertEqual(0, made.returncode, made.stderr)
        return made.stdout.strip()

    def show(self, token: str) -> dict:
        said = troupe("token", "show", self.file, "--json", input=token + "\n")
        return json.loads(said.stdout)

    def public_jwks(self) -> list[dict]:
        return json.loads((self.folder / "keys" / "tokens.pub.jwks").read_text())["keys"]

    def public_jwk(self, place: int = 0) -> dict:
        return self.public_jwks()[place]

    def secret_jwks(self) -> list[dict]:
        return json.loads((self.folder / "keys" / "tokens.jwks").read_text())["keys"]

    def secret_jwk(self) -> dict:
        return self.secret_jwks()[0]

    def claims(self, **others: object) -> dict:
        now = int(time.time())
        made = {"iss": "shop", "sub": "n1", "serviceId": "n1", "type": "service",
                "aud": "shop-services", "iat": now, "exp": now + 600, "jti": "1", **others}
        return {key: value for key, value in made.items() if value is not None}

    def test_pyjwt_and_openssl_read_ours(self):
        self.make_keys()
        token = self.new("n1")
        public = OKPAlgorithm.from_jwk(json.dumps(self.public_jwk()))
        said = jwt.decode(token, public, algorithms=["EdDSA"], audience="shop-services", issuer="shop",
                          options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]})
        self.assertEqual(("n1", "n1", "service"), (said["sub"], said["serviceId"], said["type"]))
        self.assertEqual(3600, said["exp"] - said["iat"])
        head = jwt.get_unverified_header(token)
        self.assertEqual({"alg": "EdDSA", "kid": self.public_jwk()["kid"], "typ": TYPE}, head)
        self.check_by_openssl(token)

    def check_by_openssl(self, token: str) -> None:
        if shutil.which("openssl") is None:
            self.skipTest("no openssl here")
        signed, signature = token.rsplit(".", 1)
        # SubjectPublicKeyInfo of Ed25519: RFC 8410, 4.
        der = bytes.fromhex("302a300506032b6570032100") + decoded(self.public_jwk()["x"])
        for name, content in (("key.der", der), ("signed", signed.encode()),
                              ("signature", decoded(signature))):
            (self.folder / name).write_bytes(content)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der",
             "-rawin", "-in", "signed", "-sigfile", "signature"],
            cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertIn("Verified Successfully", done.stdout + done.stderr)

    def test_we_read_those_of_pyjwt(self):
        self.make_keys()
        key = OKPAlgorithm.from_jwk(json.dumps(self.secret_jwk()))
        head = {"kid": self.secret_jwk()["kid"], "typ": TYPE}

        def shown(claims: dict, headers: dict = head, signed_by: object = key, alg: str = "EdDSA"):
            return self.show(jwt.encode(claims, signed_by, algorithm=alg, headers=headers))

        said = shown(self.claims())
        self.assertTrue(said["ok"], said)
        self.assertEqual("n1", said["service"])
        self.assertTrue(shown(self.claims(aud=["others", "shop-services"]))["ok"])
        for several in (["others"], ["others, shop-services"], "others, shop-services", [], ["shop-services", 1]):
            with self.subTest(aud=several):
                self.assertFalse(shown(self.claims(aud=several)).get("ok"))
        now = int(time.time())
        for wrong, word in (
                ({"aud": "others"}, "aud"), ({"iss": "others"}, "iss"),
                ({"iat": now - 900, "exp": now - 300}, "expired"),
                ({"iat": now + 600, "exp": now + 900}, "does not hold yet"),
                ({"exp": now + 7_200}, "longer")):
            with self.subTest(wrong=wrong):
                said = shown(self.claims(**wrong))
                self.assertFalse(said["ok"])
                self.assertIn(word, said["why"])
        for missing in ("exp", "iat", "aud", "iss", "sub", "jti", "type", "serviceId"):
            with self.subTest(missing=missing):
                self.assertFalse(shown(self.claims(**{missing: None})).get("ok"))
        public = decoded(self.public_jwk()["x"])
        for headers, signed_by, alg in (
                (head, public, "HS256"), (head, None, "none"),
                ({**head, "typ": "JWT"}, key, "EdDSA"), ({**head, "kid": "../../x"}, key, "EdDSA"),
                ({**head, "kid": "' OR 1=1"}, key, "EdDSA"), ({**head, "crit": ["b64"]}, key, "EdDSA")):
            with self.subTest(headers=headers, alg=alg):
                self.assertFalse(shown(self.claims(), headers, signed_by, alg)["ok"])

    def test_a_shared_secret_has_the_form_of_the_guide(self):
        self.make_keys("--shared")
        self.assertFalse((self.folder / "keys" / "tokens.pub.jwks").exists())
        secret = decoded(self.secret_jwk()["k"])
        said = jwt.decode(self.new("n1"), secret, algorithms=["HS256"], audience="shop-services")
        self.assertEqual(("n1", "service"), (said["serviceId"], said["type"]))
        head = {"kid": self.secret_jwk()["kid"], "typ": TYPE}
        self.assertTrue(self.show(jwt.encode(self.claims(), secret, "HS256", head))["ok"])
        self.assertFalse(self.show(jwt.encode(self.claims(), secret, "HS512", head))["ok"])

    def test_a_token_is_bound_to_the_key_of_its_service(self):
        self.make_keys()
        self.assertEqual(0, troupe("keys", "new", self.file).returncode)
        token = self.new("n1")
        key = keys_in(self.folder / "keys" / "n1.pub")[0].decode()
        self.assertEqual(key, self.show(token)["bound_to"])
        public = OKPAlgorithm.from_jwk(json.dumps(self.public_jwk()))
        cnf = jwt.decode(token, public, algorithms=["EdDSA"], audience="shop-services")["cnf"]
        self.assertEqual(("OKP", "X25519"), (cnf["jwk"]["kty"], cnf["jwk"]["crv"]))

    def test_two_keys_hold_while_one_takes_the_others_place(self):
        first = self.make_keys()
        before = self.new("n1")
        second = self.make_keys()
        self.assertEqual(2, second["live"])
        self.assertNotEqual(first["key"], second["key"])
        after = self.new("n1")
        self.assertTrue(self.show(before)["ok"])
        self.assertTrue(self.show(after)["ok"])
        self.assertEqual([first["key"]], self.make_keys()["ended"])
        self.assertIn("kid", self.show(before)["why"])
        self.assertTrue(self.show(after)["ok"])

    @unittest.skipIf(os.geteuid() != 0, "only root can act as another")
    def test_what_root_makes_belongs_to_the_owner_of_the_folder(self):
        keys, user = self.folder / "keys", 65534
        self.folder.chmod(0o755)
        keys.mkdir(mode=0o700)
        os.chown(keys, user, user)
        self.make_keys()
        self.make_keys()
        made = troupe("token", "new", self.file, "--for", "n1", "--to", keys / "n1.token")
        self.assertEqual(0, made.returncode, made.stderr)
        self.assertEqual({"tokens.jwks": user, "tokens.pub.jwks": user, "n1.token": user},
                         {each.name: each.stat().st_uid for each in keys.iterdir()})

    def test_two_that_make_keys_at_once_lose_none(self):
        both = [subprocess.Popen([str(BIN / "troupe"), "token", "keys", str(self.file)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual([0, 0], [each.wait(PATIENCE) for each in both])
        self.assertEqual([each["kid"] for each in self.secret_jwks()], [each["kid"] for each in self.public_jwks()])
        self.assertEqual(2, len(self.public_jwks()))
        self.assertEqual(0o700, (self.folder / "keys").stat().st_mode & 0o7777)

    def test_what_cannot_be_done_is_not_done_in_another_way(self):
        self.make_keys()
        held = (self.folder / "keys" / "tokens.jwks").read_bytes()
        shared = troupe("token", "keys", self.file, "--shared")
        self.assertEqual(4, shared.returncode)
        self.assertIn("are Ed25519", shared.stderr)
        self.assertEqual(held, (self.folder / "keys" / "tokens.jwks").read_bytes())
        nowhere = troupe("token", "show", self.file, self.folder / "missing")
        self.assertEqual(4, nowhere.returncode)
        self.assertIn("No such file", nowhere.stderr)

    def test_secrets_stay_where_they_are(self):
        self.make_keys()
        secret = self.folder / "keys" / "tokens.jwks"
        self.assertEqual(0o600, secret.stat().st_mode & 0o7777)
        self.assertNotIn('"d"', (self.folder / "keys" / "tokens.pub.jwks").read_text())
        secret.chmod(0o644)
        made = troupe("token", "new", self.file, "--for", "n1")
        self.assertNotEqual(0, made.returncode)
        self.assertIn("chmod 600", made.stderr)
        secret.chmod(0o600)
        secret.write_text('{"keys": [{"kty": "oct", "alg": "HS256", "kid": "a", "k": "c2hvcnQ"}]}')
        made = troupe("token", "new", self.file, "--for", "n1")
        self.assertIn("32 to 1,024 bytes", made.stderr)
        self.assertNotIn("c2hvcnQ", made.stderr)


class OverHttp(SystemTest):
    """A gateway asks for a token where its route says so."""

    def setUp(self):
        port = free_port()
        self.admin = f"127.0.0.1:{free_port()}"
        self.system = SecuredSystem(
            {"notes": "{store: \"sqlite:data/notes.db\"}"},
            allow=f"{{notes: {{publish: [noted]}}, g1: {{call: [notes.*], read: [noted]}}, operator: {ALL}}}",
            is_open=False, tokens="{issuer: shop, audience: shop-services}",
            more=f"gateways:\n  g1:\n    listen: \"http://127.0.0.1:{port}\"\n    store: none\n"
                 f"    admin: \"{self.admin}\"\n"
                 "    routes:\n      GET /count: {call: notes.count, token: required}\n"
                 "      GET /open: {call: notes.count}\n"
                 "      GET /noted: {events: [noted], token: required}\n"
                 "      POST /notes: {call: notes.add, token: required, status: 201}\n")
        self.addCleanup(self.system.close)
        self.assertEqual(0, troupe("token", "keys", self.system.file).returncode)
        self.system.broker()
        self.system.worker("n1")
        self.process = self.system.gateway()
        self.gateway = Gateway(port)

    def metric(self, name: str) -> int:
        with urllib.request.urlopen(f"http://{self.admin}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return int(float(next(line.split()[-1] for line in lines if line.startswith(name + " "))))

    def token(self, *more: str, service: str = "billing") -> str:
        made = troupe("token", "new", self.system.file, "--for", service, *more)
        self.assertEqual(0, made.returncode, made.stderr)
        return made.stdout.strip()

    def test_a_route_for_services_wants_a_good_token(self):
        ask = self.gateway.ask
        self.assertEqual(200, ask("GET", "/open").status)
        missing = ask("GET", "/count")
        self.assertEqual((401, "no_token"), (missing.status, missing.json["reason"]), missing)
        self.assertIn('field="x-service-token"', missing.fields["WWW-Authenticate"])
        good = self.token()
        for _ in range(3):
            self.assertEqual(200, ask("GET", "/count", x_service_token=good).status)
        told = self.process.wait_for("access_refused")
        self.assertEqual(
            ("anonymous", "request", "GET /count", "token: required", "127.0.0.1", "1"),
            tuple(told[key] for key in ("who", "act", "what", "rule", "from", "refused")))
        wrong = (good[:-2], good + "A", "x", good.split(".")[0] + ".e30.",
                 jwt.encode({"sub": "billing"}, None, "none"))
        for token in wrong:
            with self.subTest(token=token):
                said = ask("GET", "/count", x_service_token=token)
                self.assertEqual(403, said.status, said)
        # Refusals are counted, and one line stands for those of ten seconds.
        self.assertEqual(1 + len(wrong), self.metric("troupe_gateway_tokens_refused_total"))
        self.assertLess(len(self.process.find("access_refused")), 3)
        self.assertEqual(0, troupe("keys", "new", self.system.file, "--for", "billing").returncode)
        bound = ask("GET", "/count", x_service_token=self.token())
        self.assertEqual((403, "bound"), (bound.status, bound.json["reason"]))
        self.assertEqual(200, ask("GET", "/count", x_service_token=self.token("--unbound")).status)

    def test_a_stream_ends_with_its_token(self):
        token = self.token()
        stream = Stream(self.gateway, "/noted", x_service_token=token)
        self.addCleanup(stream.close)
        self.assertEqual(200, stream.status)
        for _ in range(2):  # Two keys are known at once: that of the token is gone.
            self.assertEqual(0, troupe("token", "keys", self.system.file).returncode)
        self.process.signal(signal.SIGHUP)
        self.process.wait_for("token_keys.read")
        stream.wait(lambda: stream.is_over)
        self.assertEqual(403, self.gateway.ask("GET", "/noted", x_service_token=token).status)

    def test_services_under_one_key_do_not_meet(self):
        ask, key = self.gateway.ask, uuid7()
        billing, shipping = self.token(), self.token(service="shipping")

        def add(token: str, text: str, **more: str):
            return ask("POST", "/notes", {"text": text}, Idempotency_Key=key, x_service_token=token, **more)

        first = add(billing, "a", Prefer="respond-async, wait=10")
        self.assertEqual(201, first.status, first)
        self.assertEqual(first.json, add(billing, "a").json)
        other = add(shipping, "a")
        self.assertEqual(201, other.status, other)
        self.assertNotEqual(first.json, other.json)
        self.assertEqual(201, add(shipping, "a").status)
        self.assertEqual({"count": 2}, ask("GET", "/open").json)
        # The answer of a call is for the service that began it.
        key = uuid7()
        later = add(billing, "b", Prefer="respond-async")
        self.assertEqual(202, later.status, later)
        where = later.fields["Location"]
        self.assertEqual(401, ask("GET", where, Prefer="wait=10").status)
        self.assertEqual(403, ask("GET", where, x_service_token="x").status)
        self.assertEqual(404, ask("GET", where, x_service_token=shipping, Prefer="wait=10").status)
        self.assertEqual(201, ask("GET", where, x_service_token=billing, Prefer="wait=10").status)

    def test_the_public_keys_are_told_and_read_again(self):
        told = self.gateway.ask("GET", "/.well-known/jwks.json")
        self.assertEqual((200, "application/jwk-set+json"), (told.status, told.fields["Content-Type"]))
        key = jwt.PyJWKSet.from_dict(told.json)[told.json["keys"][0]["kid"]]
        said = jwt.decode(self.token(), key.key, algorithms=["EdDSA"], audience="shop-services")
        self.assertEqual("billing", said["serviceId"])
        self.assertNotIn(b'"d"', told.body)
        before = self.token()
        self.assertEqual(0, troupe("token", "keys", self.system.file).returncode)
        self.assertEqual(403, self.gateway.ask("GET", "/count", x_service_token=self.token()).status)
        self.process.signal(signal.SIGHUP)
        self.process.wait_for("token_keys.read")
        for token in (before, self.token()):
            self.assertEqual(200, self.gateway.ask("GET", "/count", x_service_token=token).status)
        self.assertEqual(2, len(self.gateway.ask("GET", "/.well-known/jwks.json").json["keys"]))


class AtLogin(SystemTest):
    """Brokers ask for a token at login."""

    def setUp(self):
        port = free_port()
        self.system = SecuredSystem(
            {"echo": "{nodes: [n1], store: none}"},
            tokens="{issuer: shop, audience: shop-services, leeway: 1s, login: required}",
            more=f"gateways:\n  g1:\n    listen: \"http://127.0.0.1:{port}\"\n    store: none\n"
                 "    routes:\n      POST /echo: {call: echo.echo}\n",
            allow=f"{{anonymous: {ALL}, operator: {ALL}, g1: {{call: [echo.echo]}}}}")
        self.addCleanup(self.system.close)
        self.gateway = Gateway(port)
        self.assertEqual(0, troupe("token", "keys", self.system.file).returncode)
        jwk = json.loads((self.system.keys / "tokens.jwks").read_text())["keys"][0]
        self.key, self.head = OKPAlgorithm.from_jwk(json.dumps(jwk)), {"kid": jwk["kid"], "typ": TYPE}

    def token(self, name: str, seconds: int = 600, *, bound_to: str = "", jti: str = "",
              audience: str = "shop-services") -> str:
        now = int(time.time())
        x = z85.decode(keys_in(self.system.keys / f"{bound_to or name}.pub")[0])
        text = base64.urlsafe_b64encode(x).decode().rstrip("=")
        return jwt.encode(
            {"iss": "shop", "sub": name, "serviceId": name, "type": "service", "aud": audience,
             "iat": now, "exp": now + seconds, "jti": jti or new_id().hex(),
             "cnf": {"jwk": {"kty": "OKP", "crv": "X25519", "x": text}}},
            self.key, algorithm="EdDSA", headers=self.head)

    def keep_token(self, name: str, seconds: int) -> None:
        file = self.system.keys / f"{name}.token"
        fresh = file.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(self.token(name, seconds) + "\n")
        fresh.rename(file)

    @staticmethod
    def log_in(client, name: str, token: str | None) -> Reply:
        """Says HELLO. What comes first is the answer to it."""
        body = {"role": "client", "node": name, "incarnation": new_id(), "plan": 0, "batch": False,
                "pid": 1, "serves": [], "in_flight": []}
        client.send_raw(msgpack.packb({"v": 1, "kind": "hello"}),
                        msgpack.packb({**body, "token": token} if token else body))
        return client.receive()

    def assert_refused(self, reason: str, reply: Reply) -> None:
        self.assert_code("unauthenticated", reply)
        self.assertEqual(reason, reply.error["details"]["reason"], reply.error)

    def test_nobody_with_a_key_gets_in_without_his_token(self):
        broker = self.system.broker()
        self.system.worker("n1")  # It makes a token, as the key that signs is here.
        client = self.system.keyed("operator")
        echo = ("echo", "echo", {"payload": "x"})
        self.assert_refused("no_token", client.call(*echo))
        self.assert_refused("no_token", self.log_in(client, "operator", None))
        good = self.token("operator")
        for reason, token in (
                ("other_service", self.token("n1")),
                ("other_key", self.token("operator", bound_to="n1")),
                ("audience", self.token("operator", audience="others")),
                ("expired", self.token("operator", -5)),
                ("signature", good[:-8] + "AAAAAAAA"), ("malformed", "x")):
            with self.subTest(reason=reason):
                self.assert_refused(reason, self.log_in(client, "operator", token))
        told = broker.wait_for("access_refused", act="login")
        self.assertEqual(("operator", "client operator", "security.tokens"),
                         tuple(told[key] for key in ("who", "what", "rule")))
        self.assertIsNone(self.log_in(client, "operator", self.token("operator", jti="one")).error)
        self.assertTrue(client.call(*echo).ok)
        # One token has an id, and may be shown again when a link is made anew.
        again = self.system.keyed("operator")
        self.assert_refused("reused", self.log_in(again, "operator", self.token("operator", 601, jti="one")))
        self.assertIsNone(self.log_in(again, "operator", good).error)
        self.assertTrue(self.system.client().call(*echo).ok)  # Who has no key has no token.
        self.assertEqual(0, troupe("call", self.system.file, "echo.echo", '{"payload": "x"}').returncode)
        counters = self.system.status(self.system.client())["counters"]
        self.assertEqual(8, counters["logins_refused"])
        for line in broker.lines:
            self.assertNotIn(good.rsplit(".", 1)[1][:40], line)

    def test_a_token_is_renewed_without_a_new_login(self):
        """A worker and a gateway, whose tokens are files that somebody else renews."""
        broker = self.system.broker()
        for name in ("n1", "g1"):
            self.keep_token(name, 8)
        end = time.time() + 8
        worker = self.system.worker("n1")
        self.system.gateway()
        short = self.system.keyed("operator")
        self.assertIsNone(self.log_in(short, "operator", self.token("operator", 2)).error)
        plain = self.system.client()
        self.assertEqual(200, self.gateway.ask("POST", "/echo", {"payload": "x"}).status)  # It has joined.
        joined = self.system.status(plain)["counters"]["clients_joined"]
        for name in ("n1", "g1"):
            self.keep_token(name, 600)
        while time.time() < end + 3:  # The leeway, and the broker's look.
            self.assertTrue(plain.call("echo", "echo", {"payload": "x"}).ok)
        self.assertEqual(200, self.gateway.ask("POST", "/echo", {"payload": "x"}).status)
        self.assertEqual(1, len(worker.find("broker.joined")))
        self.assertEqual([], broker.find("worker_left") + broker.find("worker_lost"))
        status = self.system.status(plain)
        self.assertEqual(joined, status["counters"]["clients_joined"])
        # Who has not renewed his is told.
        reply = short.receive()
        while reply.error is None:
            reply = short.receive()
        self.assert_refused("expired", reply)

    def test_a_token_that_is_refused_is_told_at_once_and_tried_again(self):
        """The file has one that is no good; once it has a good one nothing of it is left."""
        broker = self.system.broker()
        self.keep_token("n1", 9)
        worker = self.system.worker("n1")
        file = self.system.keys / "n1.token"
        good = self.token("n1")
        bad = file.with_suffix(".new")
        bad.touch(0o600)
        bad.write_text(good[:-8] + "AAAAAAAA\n")
        bad.rename(file)
        told = worker.wait_for("token.not_renewed")
        self.assertEqual("unauthenticated", told["code"])
        self.assertIn("signature", told["reason"])
        self.assertEqual("worker n1", broker.wait_for("access_refused", act="login")["what"])
        said = " ".join(troupe("status", self.system.file).stdout.split())
        self.assertRegex(said, r"the login of n1 at b1 ends in \S+: its token is not renewed")
        self.assertIn("the next one was refused: ", said)
        plain = self.system.client()
        self.assertGreaterEqual(self.system.status(plain)["counters"]["renewals_refused"], 1)
        made = troupe("token", "new", self.system.file, "--for", "n1", "--to", file)
        self.assertEqual(0, made.returncode, made.stderr)
        self.assertNotIn(".ey", made.stdout)
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        until = time.monotonic() + PATIENCE
        while self.system.status(plain)["ending"]:
            self.assertLess(time.monotonic(), until, "its good token was not taken")
        self.assertTrue(plain.call("echo", "echo", {"payload": "x"}).ok)
        self.assertEqual(1, len(worker.find("broker.joined")))

    def test_bad_tokens_without_end_cost_others_nothing(self):
        self.system.broker()
        self.system.worker("n1")
        client = self.system.keyed("operator")
        bad = self.token("operator")[:-8] + "AAAAAAAA"
        codes = [self.log_in(client, "operator", bad).error["code"] for _ in range(40)]
        self.assertEqual({"unauthenticated", "overloaded"}, set(codes))
        self.assertEqual("overloaded", codes[-1])
        self.assertTrue(self.system.client().call("echo", "echo", {"payload": "x"}).ok)

    def test_without_a_token_a_worker_says_what_to_do(self):
        self.system.broker()
        (self.system.keys / "tokens.jwks").unlink()
        worker = self.system.run("troupe-worker", "n1")
        told = worker.wait_for("broker.refused")
        self.assertIn("n1.token", told["reason"])
        self.assertIn("troupe token new FILE --for n1", told["reason"])


if __name__ == "__main__":
    unittest.main()
