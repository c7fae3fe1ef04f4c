"""What several tests of whole systems have in common."""

import signal
import threading
import time

from harness import PATIENCE, Client, Process, Reply, System

SHOP = {
    "inventory": "{replicas: 2}",
    "payments": "{replicas: 2, effects: {threads: 16}, config: {provider: {simulated: "
                "{decline_over: 100000, latency: 5ms, log: data/provider.log}}}}",
    "orders": "{replicas: 2}",
    "order_saga": "{replicas: 2}",
    "echo": "{actor: echo, replicas: 2, store: none}",
}
# A breaker that does not open: the test is of something else.
PATIENT = "breaker: {threshold: 100000}"


class Keeper(threading.Thread):
    """Starts a worker again whenever it ends, as `troupe up` does."""

    def __init__(self, system: System, node: str, **first_life: object):
        super().__init__(daemon=True)
        self._system, self._node = system, node
        self._over = threading.Event()
        self.codes: list[int] = []
        self.process: Process = system.worker(node, **first_life)

    def run(self) -> None:
        while True:
            code = self.process.child.wait()
            if self._over.is_set() and code == -signal.SIGKILL:
                return
            self.codes.append(code)
            if self._over.is_set():
                return
            self.process = self._system.worker(self._node, joined=False)
            if self._over.is_set():
                self.process.child.kill()

    def finish(self) -> None:
        """Afterwards `codes` is how each of its processes ended, but for the one killed here."""
        self._over.set()
        self.process.child.kill()
        self.join(PATIENCE)


def resend_until_answered(
        client: Client, calls: dict[bytes, tuple], within: float = PATIENCE) -> dict[bytes, Reply]:
    """Sends each unanswered call again, under its id, whenever half a second brings nothing."""
    until = time.monotonic() + within
    answers: dict[bytes, Reply] = {}
    while len(answers) < len(calls) and time.monotonic() < until:
        reply = client.receive(0.5)
        if reply is None:
            for call_id, (to, op, body) in calls.items():
                if call_id not in answers:
                    client.send(to, op, body, call_id=call_id, ttl=5000)
        elif reply.ok and reply.id in calls:
            answers[reply.id] = reply
    return answers
