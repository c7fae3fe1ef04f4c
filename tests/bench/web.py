"""The benchmark of the gateway: what is measured, and which bars there are. The load is wrk's.

get      GET /api/users/ID through gateway, broker and a worker's actor with its query of SQLite, beside
         moleculer-web (a node for HTTP, a node with the same query, TCP between them), beside nginx
         (one process) in front of a Node.js server with the same query, and beside nginx that
         answers with a text of its configuration: the limit
order    POST /api/orders, answered when the saga has ended with all its effects committed, beside the
         same load by the ZeroMQ client
idle     the same GET beside 10,000 connections that have asked once and stay open; beside it nginx
         that answers with a text, which tells what the system itself makes of them

The processor time of a system's processes for an answer, and the gateway's resident memory, stand
beside the rates: they are the same on a machine that has other things to do, too.
"""

from series import ask, bar, say
from web_peers import MoleculerWeb, NginxAndNode, NginxStatic
from web_shop import GET, GET_BESIDE_IDLE, IDLE, ORDER, Shop

CONNECTIONS = (1, 64, 1000)
ORDERS = (64, 256)
WEB_PEERS = (MoleculerWeb, NginxAndNode, NginxStatic)
WEB_NEEDS = (Shop, *WEB_PEERS)


def web_steps(given):
    if Shop.missing() is not None:
        return []
    peers = [peer for peer in WEB_PEERS if peer.missing() is None]
    steps = [ask(given, Shop, do="rest")]
    for count in CONNECTIONS:
        steps.append(ask(given, Shop, count, do="get"))
        steps += [ask(given, peer, count, do="get") for peer in peers]
    for count in ORDERS:
        steps += [ask(given, Shop, count, do="order"),
                  ask(given, Shop, "troupe", "order_saga.place", count)]
    steps += [ask(given, Shop, 64, do="get"), ask(given, Shop, 64, do="get_beside_idle")]
    if NginxStatic in peers:
        steps.append(ask(given, NginxStatic, 64, do="get_beside_idle"))
    return steps


def web_bars(series):
    ours = ("gateway", GET, 64)
    for peer, bound in (("moleculer-web", 4), ("nginx+node", 1.5)):
        bar(f"GET / {peer} at 64", series.ratio(ours, (peer, GET, 64)), bound)
    bar("p99 of GET / moleculer-web at 64",
        series.ratio(ours, ("moleculer-web", GET, 64), "p99_us"), 0.5, at_most=True)
    for peer in ("moleculer-web", "nginx+node"):
        ratio = series.ratio((peer, GET, 64), ours, "cpu_us")
        if ratio is not None:
            say(f"  processor time of a GET at 64, {peer} / gateway, broker and worker: "
                f"{ratio:.2f}x (no bar)")
    for count in (1, 1000):
        for peer in ("moleculer-web", "nginx+node"):
            ratio = series.ratio(("gateway", GET, count), (peer, GET, count))
            if ratio is not None:
                say(f"  GET / {peer} at {count}: {ratio:.2f}x (no bar)")
    ratio = series.ratio(ours, ("nginx", GET, 64))
    if ratio is not None:
        say(f"  GET / a static answer of nginx at 64: {ratio:.2f}x (no bar)")
    for count in ORDERS:
        bar(f"orders over HTTP / by the ZeroMQ client at {count}",
            series.ratio(("gateway", ORDER, count), ("troupe", ORDER, count)), 0.8)
    at_rest = series.median("gateway", "at rest", 0, "gateway_mb")
    if at_rest is None:
        return
    _megabytes("the gateway at rest", at_rest, 30)
    _megabytes(f"the gateway with {IDLE:,} idle connections",
               series.median("gateway", GET_BESIDE_IDLE, 64, "gateway_mb"), 250)
    bar(f"p99 of GET beside {IDLE:,} idle connections / alone",
        series.ratio(("gateway", GET_BESIDE_IDLE, 64), ours, "p99_us"), 1.2, at_most=True)
    ratio = series.ratio(("nginx", GET_BESIDE_IDLE, 64), ("nginx", GET, 64), "p99_us")
    if ratio is not None:
        say(f"  the same of a static answer of nginx: {ratio:.2f}x (no bar)")
    for work, count in ((GET, 64), (ORDER, 64)):
        gateway, broker, worker = (series.median("gateway", work, count, f"{who}_cpu_us")
                                   for who in ("gateway", "broker", "worker"))
        say(f"  {work} at {count}: {gateway:.1f} us of the gateway, {broker:.1f} us of the broker, "
            f"{worker:.1f} us of the worker")


def _megabytes(what, measured, most):
    if measured is not None:
        say(f"  {what}: {measured:.0f} MB, bar <= {most} MB: "
            f"{'met' if measured <= most else 'MISSED'}")
