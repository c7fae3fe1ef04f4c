"""The shop with a gateway, asked by wrk."""

import http.client
import json
import random

from idle_connections import IDLE, IdleConnections
from machine import memory_mb
from systems import Troupe, free_port
from web_peers import await_answer
from wrk import Wrk, wrk_missing

GET, GET_BESIDE_IDLE, ORDER = "GET", f"GET, {IDLE:,} idle", "saga"
_USERS = 100
_PRODUCTS = 50

_GATEWAY = """\
gateways:
  g1:
    listen: "http://127.0.0.1:{port}"
    routes:
      POST /api/users: {{call: users.register, status: 201}}
      GET /api/users/{{user_id}}: {{call: users.get, deadline: 5s}}
      POST /api/orders: {{call: order_saga.place, deadline: 15s, idempotency: required, status: 201}}
      POST /api/inventory: {{call: inventory.load, status: 201, deadline: 60s}}
"""


class Shop(Troupe):
    name = "the load of HTTP"

    @classmethod
    def missing(cls):
        return wrk_missing()

    def __init__(self, given, folder):
        self._port = free_port()
        super().__init__(given, folder, "web", more=_GATEWAY.format(port=self._port),
                         more_programs=(("troupe-gateway", "g1"),))
        self._gateway = self._processes[0]
        self._wrk = Wrk(given, self._port)
        try:
            self._fill(folder)
        except BaseException:
            self.stop()
            raise

    def _fill(self, folder):
        await_answer(self._gateway, self._port, "/api/users/00000000-0000-4000-8000-000000000000")
        self._at_rest = memory_mb(self._gateway.pid)
        self._post("/api/inventory", {"items": [
            {"sku": f"product-{n:02}", "price_cents": 100, "currency": "EUR", "quantity": 1_000_000}
            for n in range(_PRODUCTS)]})
        self._users = folder / "users"
        self._users.write_text("".join(
            self._post("/api/users", {"email": f"user-{n}@bench.example", "name": f"User {n}"})
            ["user_id"] + "\n" for n in range(_USERS)))

    def _post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 201:
            raise RuntimeError(f"POST {path}: {answer.status} {said.decode()}")
        return json.loads(said)

    def _load(self, work, connections, *asked):
        pids = dict(zip(("gateway", "worker", "broker"), self.pids()))
        line = self._wrk.load("gateway", work, connections, pids, *asked)
        return line | {"gateway_mb": memory_mb(self._gateway.pid)}

    def rest(self):
        return {"system": "gateway", "work": "at rest", "window": 0, "failures": 0,
                "gateway_mb": self._at_rest}

    def get(self, connections):
        return self._load(GET, connections, "get", self._users)

    def order(self, connections):
        return self._load(ORDER, connections, "post", random.randrange(1 << 24))

    def get_beside_idle(self, connections):
        with IdleConnections(self._port, self._users.read_text().split()[0]) as idle:
            line = self._load(GET_BESIDE_IDLE, connections, "get", self._users)
            return line | {"failures": line["failures"] + idle.closed()}
