"""What a collector is sent of an order, judged by protobuf's own decoder; skipped where there is none."""

import pathlib
import sys
import unittest

import otlp_judge
from collector import Collector, spans_in
from harness import SystemTest, new_id
from traces_test import NOTIFIED, ORDER, STOCK

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges"))

import judges  # noqa: E402


class Judged(SystemTest):
    def test_an_order_is_as_the_public_definitions_want_it(self):
        collector = Collector()
        self.addCleanup(collector.shutdown)
        system = self.system(NOTIFIED, nodes=("n1",), more=f'traces: {{sample: 1, otlp: "{collector.url}"}}')
        system.broker()
        system.worker("n1")
        client = system.client()
        self.assertTrue(client.call("inventory", "load", STOCK).ok)
        order = new_id()
        state = "vendor=00f067aa0ba902b7,rojo=1"
        self.assertTrue(client.call("order_saga", "place", ORDER, call_id=order, ttl=15000,
                                    traceparent=f"00-{order.hex()}-00f067aa0ba902b7-01 {state}").ok)
        collector.wait_for({"queue order_saga", "order_saga.place", "saga order_saga.place", "payments effect charge_card",
                            "publish order.confirmed", "notifications order.confirmed"}, order.hex())
        with collector.news:
            bodies = [*collector.bodies]
        judged = [span for body in bodies for span in otlp_judge.judge(self, REQUEST, body)]
        self.assertEqual({(each["id"], each["name"], each["kind"]) for body in bodies for each in spans_in(body)},
                         {(each.span_id.hex(), each.name, each.kind) for each in judged})
        self.assertEqual({state}, {each.trace_state for each in judged if each.trace_id == order})
        self.assertEqual({""}, {each.trace_state for each in judged if each.trace_id != order})


if __name__ == "__main__":
    try:
        REQUEST = otlp_judge.decoder()
    except unittest.SkipTest as why:
        judges.skip(str(why))
    unittest.main()
