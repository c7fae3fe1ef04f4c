"""The benchmark of events: what is measured, and which bars there are.

publish  confirmed after the journal's flush; 128-byte bodies, to which nobody subscribes. JetStream
         does not flush.
handled  published with 1,000 unconfirmed, for the time measured, until the last is handled: its
         INSERT committed and the broker told. JetStream: pulled, and each explicitly acknowledged;
         RabbitMQ and Redis likewise. Their consumers do nothing with an event.
latency  1,000 a second, each from before its publish until a follower has what the turn that handled
         it published in turn: three flushes in a row (the event into the journal; the turn, with the
         row and the event that tells of it; that one into the journal), all hops between client,
         broker and worker, and the follower's long poll. JetStream: until the consumer has it, which
         then has done nothing yet, after no flush at all.
waiting  the broker's processor time for an event that is published and handled, with none and with
         1,000,000 events in the journal for a capability whose workers are down
many     the same with 1 and with 1,000 subscribed capabilities in the topology, of which one gets
         the events and the others' workers are down
"""

from peers import JetStream, RabbitMq, Redis
from series import SLOW_FLUSH_US, ask, bar, end, flush_gauge, say, slow
from systems import Troupe

EVENT_PARTS = ("publish", "handled", "latency", "waiting", "many")
WINDOWS = (1, 64, 1000)
WAITING = 1_000_000
WARM = 200_000
HANDLED = "publish to handled"
TOLD = "publish to told, 1000/s"
DELIVERED = "publish to delivered, 1000/s"
NONE_WAIT, MANY_WAIT = "handled, none wait", f"handled, {WAITING:,} wait"
ONE_LISTENS, MANY_LISTEN = "handled, 1 capability", "handled, 1,000 capabilities"


def event_steps(given):
    parts = given.part or EVENT_PARTS
    makers = {"publish": _publish_steps, "handled": _handled_steps, "latency": _latency_steps,
              "waiting": _waiting_steps, "many": _many_steps}
    return [step for part in EVENT_PARTS if part in parts for step in makers[part](given)]


def _jet_stream(given, what, window, work):
    # One outstanding publish gives a flusher thread nothing to collect.
    modes = ("asap",) if window == 1 or what == "paced" else ("asap", "flusher")
    return [] if JetStream.missing() else [
        ask(given, JetStream, mode, what, window, work, do="event") for mode in modes]


def _flushing(given, what, window, work):
    """RabbitMQ and Redis, on the disk as it is and on a slower one."""
    steps = []
    for peer in (RabbitMq, Redis):
        if peer.missing() is None:
            steps += [ask(given, peer, what, window, work, do="event"),
                      ask(given, peer, what, window, work, do="event",
                          named=f"slow {peer.name}", **slow(given))]
    return steps


def _publish_steps(given):
    steps = []
    for window in WINDOWS:
        steps += [*_jet_stream(given, "publish", window, "publish"),
                  ask(given, Troupe, "troupe-plain", window, do="publish", topology="events"),
                  ask(given, Troupe, "troupe", window, do="publish", topology="events"),
                  ask(given, Troupe, "troupe", window, do="publish", topology="events",
                      named="slow", **slow(given)),
                  *_flushing(given, "publish", window, "publish")]
    return steps


def _handled_steps(given):
    return [*_jet_stream(given, "flow", 1000, HANDLED),
            ask(given, Troupe, 1000, do="handle", topology="events"),
            ask(given, Troupe, 1000, do="handle", topology="events", named="slow", **slow(given)),
            *_flushing(given, "flow", 1000, HANDLED)]


def _latency_steps(given):
    gauge = {"preload": flush_gauge(given), "counts": True}
    return [*_jet_stream(given, "paced", 64, DELIVERED),
            ask(given, Troupe, do="tell", topology="telling", named="telling", **gauge),
            end("telling"),
            ask(given, Troupe, do="tell", topology="telling", named="slow telling",
                **gauge | {"slow_flush_us": SLOW_FLUSH_US}),
            end("slow telling", "slow", "JetStream", "RabbitMq", "Redis", "slow RabbitMQ",
                "slow Redis")]


def _waiting_steps(given):
    settings = {"topology": "one down", "named": "one down"}
    # A journal that has just been made is not like one in use: ids to remember, pages to go through.
    return [ask(given, Troupe, "other.added", WARM, do="fill", **settings),
            ask(given, Troupe, 1000, NONE_WAIT, do="handle", **settings),
            ask(given, Troupe, "note.other_1", WAITING, do="fill", **settings),
            ask(given, Troupe, 1000, MANY_WAIT, do="handle", **settings),
            end("one down")]


def _many_steps(given):
    return [ask(given, Troupe, 1000, ONE_LISTENS, do="handle", topology="events"),
            ask(given, Troupe, 1000, MANY_LISTEN, do="handle", topology="many", named="many"),
            end("many")]


def event_bars(series):
    for window in WINDOWS:
        if series.median("troupe", "publish", window) is not None:
            for peer, bound in (("jetstream", 1), ("rabbitmq", 5), ("redis", 1)):
                bar(f"publish / {peer} at {window}",
                    series.ratio(("troupe", "publish", window), (peer, "publish", window)), bound)
    if series.median("troupe", HANDLED, 1000) is not None:
        bar("handled / JetStream publish, pull and acknowledge",
            series.ratio(("troupe", HANDLED, 1000), ("jetstream", HANDLED, 1000)), 1)
    for peer in ("rabbitmq", "redis"):
        ratio = series.ratio(("troupe", HANDLED, 1000), (peer, HANDLED, 1000))
        if ratio is not None:
            say(f"  handled / {peer}: {ratio:.2f}x (no bar)")
    _latency_bar(series)
    for text, over, under in (
            ("events waiting, 1,000,000 / none", MANY_WAIT, NONE_WAIT),
            ("capabilities subscribed, 1,000 / 1", MANY_LISTEN, ONE_LISTENS)):
        if series.median("troupe", over, 1000) is not None:
            bar(f"broker's time for an event: {text}",
                series.ratio(("troupe", over, 1000), ("troupe", under, 1000), "broker_cpu_us"),
                1.2, at_most=True)
    for work in (HANDLED, NONE_WAIT, MANY_WAIT, ONE_LISTENS, MANY_LISTEN):
        broker = series.median("troupe", work, 1000, "broker_cpu_us")
        worker = series.median("troupe", work, 1000, "worker_cpu_us")
        if broker is not None:
            say(f"  {work}: {broker:.2f} us of the broker and {worker:.2f} us of the worker")


def _latency_bar(series):
    def of(work, what):
        return series.median("troupe", work, 0, what)

    for work in (TOLD, TOLD + ", slow flush"):
        flush = of(work, "flush_us")
        if flush is None:
            continue
        say(f"  {work}: p50 {of(work, 'p50_us'):,.0f} us, p99 {of(work, 'p99_us'):,.0f} us; "
            f"confirmed after {of(work, 'confirmed_p50_us'):,.0f} us; a flush takes {flush:,.0f} "
            f"us; flushes per event {of(work, 'broker_flushes'):.2f} of the broker, "
            f"{of(work, 'worker_flushes'):.2f} of the worker")
        if work == TOLD:
            bar("its p50 / (3 flushes + 0.5 ms)", of(work, "p50_us") / (3 * flush + 500), 1,
                at_most=True)
