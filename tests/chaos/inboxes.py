"""Inboxes: each call of a saga in its participant's, each order in the sagas' own, with the digest of
what was asked and the answer that is kept; and who handled it."""

import expected
import ids
from expected import PENDING, Call, Order
from findings import ANYTHING, between, compare, one_of, show
from packed import read_map
from run import Run

_BUSY = ("orders", "inventory", "payments", "order_saga")


class Inboxes:
    def __init__(self, run: Run, orders: dict[bytes, Order]) -> None:
        self._run = run
        self._orders = orders
        self._findings = run.findings
        # Answered rows that are older than they are kept.
        self.forgotten = 0

    def check(self, found: dict[str, dict[bytes, dict]], loads: set[bytes]) -> None:
        """@param loads the calls that brought the stock, of the inventory."""
        wanted: dict[str, dict[bytes, Call]] = {name: {} for name in _BUSY}
        for order in self._orders.values():
            for key, call in expected.calls(order).items():
                wanted[call.capability][key] = call
            wanted["order_saga"][order.id] = self._place(order)
        for name in _BUSY:
            self._compare(name, found[name], wanted[name], loads if name == "inventory" else set())

    def read(self) -> dict[str, dict[bytes, dict]]:
        return {name: self._run.books[name].by_key("inbox", "id") for name in _BUSY}

    def _place(self, order: Order) -> Call:
        answer = expected.place_answer(order)
        row_alone = (PENDING, b"") if order.path.phase not in ("completed", "compensated") else answer
        return Call("order_saga", "place", order.wish.body, (answer, row_alone), True)

    def _compare(self, name: str, found: dict[bytes, dict], wanted: dict[bytes, Call],
                 loads: set[bytes]) -> None:
        nodes = self._run.topology.replicas(name)
        writers = [row["node"] for row in self._run.books[name].rows("writers")]
        for key, row in found.items():
            where = f"{name}.db inbox {ids.text(key)}"
            self._check_handler(where, row, nodes, writers)
            call = wanted.get(key)
            if call is not None:
                self._compare_call(where, row, call)
            elif key not in loads and (self._run.only_load
                                       or row["operation"] not in ("restock", "force_breaker")):
                self._findings.add("I20", where, f"is there ({row['operation']}), and nobody made "
                                                 "that call")
        kept = self._run.topology.inbox_kept(name)
        commands_kept = max(kept, self._run.topology.sagas_kept(name))
        for key, call in wanted.items():
            if not call.required or key in found:
                continue
            if ids.birth(key) < self._run.end - (commands_kept if ids.is_derived(key) else kept):
                self.forgotten += 1
            else:
                self._findings.add("I20", f"{name}.db inbox {ids.text(key)}",
                                   f"is missing; should be there with operation {call.operation}")

    def _compare_call(self, where: str, row: dict, call: Call) -> None:
        compare(self._findings, "I20", where, row,
                {"operation": call.operation, "digest": call.digest})
        state, reply = row["state"], row["reply"]
        for wanted_state, wanted in call.answers:
            is_refusal = (read_map(reply) or {}).get("code") is not None
            if state == wanted_state and ((reply or b"") == wanted if wanted is not None
                                          else is_refusal):
                return
        wanted_state, wanted = call.answers[0]
        text = "any refusal" if wanted is None else show(wanted)
        self._findings.add("I20", where, f"state is {state} and reply is {show(reply)}, should be "
                                         f"{wanted_state} and {text}")

    def _check_handler(self, where: str, row: dict, nodes: list[str] | None,
                       writers: list[str]) -> None:
        """@param nodes of the replicas, if they are known. @param writers their nodes."""
        if nodes is None:
            wanted: dict[str, object] = {"node": one_of(*sorted(set(writers))),
                                         "replica": between(0, 1_000)}
        else:
            replica = row["replica"]
            is_one = isinstance(replica, int) and 0 <= replica < len(nodes)
            wanted = {"replica": between(0, len(nodes) - 1),
                      "node": nodes[replica] if is_one else ANYTHING}
        # One more for each process that may have died with the call in hand.
        wanted["attempt"] = between(1, 1 + len(writers))
        compare(self._findings, "I20", where, row, wanted)
