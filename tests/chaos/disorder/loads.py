"""Loads: clients that place orders, each with a log of its own, and what is known of all their orders."""

import json
import pathlib
import subprocess
import time

from shop import SHOP, Fault, Shop

RATE = 40
OUTSTANDING = 16
# Orders are asked for again and again until the shop is whole.
PATIENCE_MS = 600_000
# For all orders to be answered once it is.
ANSWER_SECONDS = 90.0


class Load:
    """One client. @param era how many restores came before it."""

    def __init__(self, shop: Shop, number: int, orders: int) -> None:
        self.log = shop.folder / f"client-{number}.log"
        self._said = (shop.folder / f"client-{number}.said").open("w+")
        self.process = shop.client(
            "--orders", str(SHOP / "orders.jsonl"), "--count", str(orders), "--rate", str(RATE),
            "--outstanding", str(OUTSTANDING), "--patience-ms", str(PATIENCE_MS),
            "--log", str(self.log), stdout=self._said, stderr=subprocess.STDOUT)

    def said(self) -> str:
        self._said.flush()
        return pathlib.Path(self._said.name).read_text()[-2000:]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._said.close()

    def orders(self) -> set[str]:
        return {json.loads(line)["call_id"] for line in whole_lines(self.log)}


def whole_lines(path: pathlib.Path) -> list[str]:
    """All but what a killed client was writing."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


class Loads:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._number = 0
        self.all: list[Load] = []

    def fill_shelves(self) -> None:
        stock = self._shop.client("--stock", str(SHOP / "stock.json"), stdout=subprocess.DEVNULL)
        if stock.wait(ANSWER_SECONDS) != 0:
            raise Fault("the stock was not taken in")

    def begin(self, orders: int) -> None:
        self._number += 1
        self.all.append(Load(self._shop, self._number, orders))

    def await_answers(self) -> None:
        """All orders, by whichever client. Raises Fault."""
        deadline = time.monotonic() + ANSWER_SECONDS
        for each in self.all:
            try:
                code = each.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Fault(f"orders are not answered {ANSWER_SECONDS:.0f} s after everything was up: "
                            f"{each.log.name}\n{each.said()}") from None
            if code != 0:
                raise Fault(f"{each.log.name}: the client ended with {code}\n{each.said()}")

    def forget(self, since: int) -> None:
        """These orders were undone by a person: whatever their clients were told is void."""
        for each in self.all[since:]:
            each.end()
        del self.all[since:]

    def orders(self, first: int = 0, last: int | None = None) -> set[str]:
        return set().union(*(each.orders() for each in self.all[first:last]))

    def write_log(self, to: pathlib.Path) -> None:
        """One log of them all, in the order of time."""
        lines = [line for each in self.all for line in whole_lines(each.log)]
        lines.sort(key=lambda line: json.loads(line)["t_mono_us"])
        to.write_text("".join(line + "\n" for line in lines))

    def end(self) -> None:
        for each in self.all:
            each.end()
