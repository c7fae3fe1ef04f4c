"""A topology whose gateways have routes of all kinds, and such a gateway as a process, without brokers."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator

# A busy machine is no reason to fail.
PATIENCE = 30.0
TOPOLOGY = """
troupe: 1
name: odd
brokers: {b1: {listen: "tcp://127.0.0.1:5550"}}
nodes: {n1: }
capabilities:
  users:
  orders:
  order_saga:
  inventory:
  payments:
gateways:
  g1:
    listen: "http://127.0.0.1:8080"
    rate: {requests: 1000, within: 1s}
    store: none
    routes:
      GET /users/{user_id}: {call: users.get}
      PATCH /users/{user_id}: {call: users.update_profile, status: 204}
      GET /stock/{sku*}: {call: inventory.stock, rejected: {unknown_sku: 404}}
      GET /events: {events: [order.*]}
      GET /created: {events: [order.created, stock.*]}
      POST /orders: {call: order_saga.place, idempotency: required, key: "{body.customer}", status: 201}
      POST /stock: {call: inventory.load, status: 202}
  g2:
    listen: "http://127.0.0.1:8081"
    store: none
    routes:
      GET /users/{user_id}: {call: users.get}
"""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextlib.contextmanager
def written() -> Iterator[pathlib.Path]:
    """The topology as a file, on ports that are free."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "odd.yaml"
        free = iter(_free_ports(3))
        file.write_text(re.sub("5550|8080|8081", lambda _: str(next(free)), TOPOLOGY))
        yield file


@contextlib.contextmanager
def served(name: str = "g1") -> Iterator[str]:
    """The URL of a running gateway."""
    with written() as file:
        process = subprocess.Popen(
            [os.environ["TROUPE_BIN"] + "/troupe-gateway", str(file), "--node", name],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            said = ""
            for line in process.stdout:
                said += line
                if "gateway.started" in line:
                    break
            else:
                raise AssertionError("the gateway did not start: " + said)
            section = file.read_text().split(f"\n  {name}:\n")[1]
            yield section.split('listen: "')[1].split('"')[0]
        finally:
            timer.cancel()
            process.terminate()
            process.communicate(timeout=PATIENCE)
