"""The golden bytes of runtime/wire/FORMAT.md, made by another implementation than ours.

`golden.py` writes golden/*.bin; `golden.py --check` compares them and reads each one back with
python3-msgpack, so that what we send is what a stranger's library understands.
"""

import pathlib
import struct
import sys

import msgpack

FOLDER = pathlib.Path(__file__).resolve().parent / "golden"

CALL_ID = bytes.fromhex("018f3c1e7a2b7c3d8e4f5061728394a5")
NODE_INCARNATION = bytes.fromhex("018f3c1e000070008000000000000001")
BROKER_INCARNATION = bytes.fromhex("018f3c1e000070008000000000000002")

POSTPONED = {"position": 899, "attempts": 3, "dead": True, "cause": "rejected",
             "error": "no such article", "replica": 2}


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def header(entries):
    """A map in the given order; `ttl` as a uint32 of fixed width, which packb would shorten."""
    out = msgpack.Packer().pack_map_header(len(entries))
    for key, value in entries.items():
        out += pack(key) + (b"\xce" + struct.pack(">I", value) if key == "ttl" else pack(value))
    return out


def batch(envelopes):
    out = b"\xc1\x01"
    for head, body in envelopes:
        out += struct.pack("<II", len(head), len(body)) + head + body
    return out


def served(capability, credit, inbox, replicas, breaker="closed", retry_after_ms=0, events=0,
           shut=None, forced=None):
    return {"capability": capability, "credit": credit, "inbox": inbox, "replicas": replicas,
            "breaker": breaker, "retry_after_ms": retry_after_ms, "events": events,
            "shut": shut, "forced": forced}


def golden():
    call = header({"v": 1, "kind": "call", "id": CALL_ID, "to": "orders", "op": "place",
                   "ttl": 5000, "key": "customer-7",
                   "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                   "source": "n1"})
    call_body = pack({"count": 2, "sku": "tea"})
    ok = header({"v": 1, "kind": "reply", "id": CALL_ID, "status": "ok"})
    error = {"code": "overloaded", "number": 8, "message": "the lane is full", "effect": "none",
             "retry_after_ms": 250, "details": {"lane": "orders"}}
    return {
        "call_header": call,
        "call_header_least": header({"v": 1, "kind": "call", "id": CALL_ID, "to": "orders",
                                     "op": "place", "ttl": 5000}),
        "reply_ok_header": ok,
        "reply_pending_header": header(
            {"v": 1, "kind": "reply", "id": CALL_ID, "status": "pending"}),
        "reply_error_header": header(
            {"v": 1, "kind": "reply", "id": CALL_ID, "status": "error", "error": error}),
        "hello_header": header({"v": 1, "kind": "hello"}),
        "hello_body": pack({
            "role": "worker", "node": "n1", "incarnation": NODE_INCARNATION,
            "plan": 0x0123456789ABCDEF, "batch": True, "pid": 4242,
            "serves": [served("orders", 64, True, 2, events=1024),
                       served("stock", 0, False, 1, "open", 300,
                              forced="forced open by ann: moving disks"),
                       served("notes", 0, True, 2, "down", shut="notes.db is damaged")],
            "in_flight": [CALL_ID],
            "held": [{"id": CALL_ID, "capability": "orders", "digest": 0xFEDCBA9876543210}],
            "shared_plan": 0x1122334455667788, "token": "head.claims.signature",
            "body_bytes_max": None}),
        "welcome_body": pack({
            "broker": "b1", "incarnation": BROKER_INCARNATION, "heartbeat_ms": 200,
            "timeout_ms": 800, "body_bytes_max": 1048576, "journal": True,
            "journal_generation": None}),
        "event_header": header({
            "v": 1, "kind": "event", "id": CALL_ID, "to": "stock", "op": "order.created",
            "seq": 70000, "time": 1700000000123, "key": "customer-7", "source": "orders"}),
        "relay_header": header({"v": 1, "kind": "relay", "id": CALL_ID, "to": "orders",
                                "op": "order.created", "seq": 12, "key": "customer-7"}),
        "assign_body": pack({
            "capability": "stock", "journal": BROKER_INCARNATION, "epoch": 1 << 32 | 7,
            "partitions": [{"partition": 0, "position": 0}, {"partition": 63, "position": 900}],
            "lives": None,
            "remembered": [{"partition": 63, "handled": 901,
                            "waiting": [{"what": POSTPONED, "key": "customer-7"}]}]}),
        "assigned_body": pack({
            "capability": "stock", "epoch": 1 << 32 | 7,
            "partitions": [{"partition": 63, "handled": 901, "waiting": [POSTPONED]}],
            "refused": "", "highest": None, "life": None, "epoch_seen": None}),
        "handled_body": pack({
            "capability": "stock", "upto": [{"partition": 63, "position": 950}],
            "waiting": [POSTPONED], "done": [880, 881]}),
        "state_body": pack({"draining": True, "serves": [served("orders", 0, True, 2)],
                            "token": None}),
        "force_breaker_body": pack({
            "capability": "stock", "mode": "open", "who": "ann", "why": "moving disks",
            "request": CALL_ID, "only_here": True}),
        "breaker_report_body": pack({
            "capability": "stock", "node": "n1", "state": "forced_open", "durable": True,
            "order": {"mode": "open", "who": "ann", "why": "moving disks", "request": CALL_ID,
                      "since": 1700000000123}}),
        "pong_body": pack({"finished": 70000, "busy_ms": 12}),
        "roster_body": pack({"workers": [{"node": "n1", "incarnation": NODE_INCARNATION}]}),
        "batch_frame": batch([(call, call_body), (ok, pack({"order": 7})), (ok, b"")]),
    }


def read_back(name, data):
    if name == "batch_frame":
        rest = data[2:]
        while rest:
            head, body = struct.unpack_from("<II", rest)
            msgpack.unpackb(rest[8:8 + head])
            rest = rest[8 + head + body:]
    else:
        msgpack.unpackb(data)


def main():
    wanted = golden()
    if "--check" not in sys.argv[1:]:
        FOLDER.mkdir(exist_ok=True)
        for name, data in wanted.items():
            (FOLDER / f"{name}.bin").write_bytes(data)
        return 0
    faults = []
    for name, data in wanted.items():
        path = FOLDER / f"{name}.bin"
        if not path.exists() or path.read_bytes() != data:
            faults.append(f"{path.name} differs from what golden.py makes")
        read_back(name, data)
    faults += [f"{path.name} is made by nobody" for path in FOLDER.glob("*.bin")
               if path.stem not in wanted]
    print("\n".join(faults) or f"{len(wanted)} golden files are as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
