#!/usr/bin/python3
"""Makes the README's pictures of the page: the shop at rest, without one of its workers, and with a parked saga.

    TROUPE_BIN=$PWD/build/ci/bin tests/integration/page_pictures.py     # two minutes; then look at them

A topology of the example's own text runs under its own file name in a temporary folder, on ports of its own.
"""

import contextlib
import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import browser
from harness import BIN, PATIENCE, SOURCE, free_port, new_id, text_of

PICTURES = SOURCE / "nodes" / "page" / "pictures"
EXAMPLE = SOURCE / "examples" / "shop"


class Shop:
    def __init__(self):
        self._stack = contextlib.ExitStack()
        self.folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.broker_port, self.port = free_port(), free_port()
        text = (EXAMPLE / "shop.yaml").read_text()
        text = text.replace("tcp://127.0.0.1:5550", f"tcp://127.0.0.1:{self.broker_port}")
        text = text.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{self.port}")
        (self.folder / "shop.yaml").write_text(text + "\ntraces: {sample: 1}\n")
        shutil.copy(EXAMPLE / "invariants.yaml", self.folder)
        self.processes: dict[str, subprocess.Popen] = {}
        self.enough = threading.Event()

    def start(self, program: str, name: str) -> None:
        self.processes[name] = subprocess.Popen(
            [BIN / program, "shop.yaml", "--node", name], cwd=self.folder, stderr=subprocess.DEVNULL)

    def troupe(self, *words: str, said: str | None = None) -> str:
        done = subprocess.run([BIN / "troupe", *words], cwd=self.folder, input=said, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(link):
            link.request(method, path, json.dumps(body) if body is not None else None,
                         {"Content-Type": "application/json", "Idempotency-Key": text_of(new_id())})
            answer = link.getresponse()
            return answer.status, answer.read()

    def order(self) -> tuple[int, bytes]:
        return self.ask("POST", "/api/orders", {
            "customer": "Ann", "items": [{"sku": "tea-red", "quantity": 1}], "currency": "EUR", "card": "tok_ann"})

    def order_once(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.order()

    def sell(self) -> None:
        """Somebody orders some twenty times a second, until it is enough."""
        while not self.enough.wait(0.05):
            self.order_once()

    def close(self) -> None:
        self.enough.set()
        for each in self.processes.values():
            each.terminate()
        for each in self.processes.values():
            each.wait(60)
        self._stack.close()


def main() -> None:
    browser.need()
    shop = Shop()
    looking = browser.Browser()
    try:
        for program, name in (("troupe-broker", "b1"), ("troupe-worker", "n1"), ("troupe-worker", "n2"), ("troupe-gateway", "g1")):
            shop.start(program, name)
        shop.troupe("call", "shop.yaml", "inventory.load", "-", "--deadline", "30s", said=(EXAMPLE / "stock.json").read_text())
        selling = threading.Thread(target=shop.sell, daemon=True)
        selling.start()
        looking.open(shop.port)
        healthy = "return document.getElementById('headline').textContent.endsWith('is healthy')"
        looking.wait(healthy, within=60)
        # Ten minutes of history would be nicer, and take ten minutes.
        looking.wait("return performance.now() > 40_000", within=90)
        looking.wait(healthy, within=60)
        looking.picture(str(PICTURES / "rest.png"))

        shop.processes["n2"].kill()
        looking.wait("return document.getElementById('troubles').innerText.includes('n2') "
                     "&& [...document.querySelectorAll('#troubles .trouble')].some((each) => each.innerText.includes('for 4 s'))", within=60)
        looking.picture(str(PICTURES / "kill.png"))
        shop.processes["n2"].wait()
        shop.start("troupe-worker", "n2")
        looking.wait(healthy, within=60)

        shop.enough.set()
        selling.join(60)
        shop.troupe("breaker", "shop.yaml", "payments", "open", "--why", "the card company is ill")
        waiting = threading.Thread(target=shop.order_once, daemon=True)
        waiting.start()
        until = time.monotonic() + PATIENCE
        while not (sagas := shop.troupe(
                "sagas", "list", "shop.yaml", "order_saga", "--state", "forward", "--state", "failing", "--json").splitlines()):
            if time.monotonic() > until:
                raise RuntimeError("no saga waits")
        saga = json.loads(sagas[0])["id"]
        shop.troupe("sagas", "park", "shop.yaml", "order_saga", saga, "--reason", "ask the card company first")
        looking.wait("return document.querySelector('#sagas button') !== null && document.getElementById('sagas').innerText.includes('parked')")
        looking.run("document.querySelector('#sagas button').click()")
        looking.wait("return document.querySelectorAll('#details .line li').length > 5")
        looking.picture(str(PICTURES / "parked.png"))
        waiting.join(60)
    finally:
        looking.close()
        shop.close()
    for each in sorted(PICTURES.iterdir()):
        print(f"{each.name}: {each.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
