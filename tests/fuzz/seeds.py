"""Writes corpus/TARGET/seed_*: small inputs from which the fuzzers start.

Findings of a fuzzer are added by hand as corpus/TARGET/found_NAME, NAME saying what it was.
"""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "wire"))
import golden  # noqa: E402

FILES = golden.golden()
NIL = b"\xc0"
# What is no message of any kind.
NOISE = {
    "http": b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
    "tls_hello": bytes.fromhex("16030100a5010000a10303"),
}


def header_seeds():
    call, least = FILES["call_header"], FILES["call_header_least"]
    return {
        **NOISE,
        **{name.removesuffix("_header"): data for name, data in FILES.items() if "_header" in name},
        "call_short_ttl": least[:-5] + b"\x05",
        "call_version_99": least.replace(b"\xa1v\x01", b"\xa1v\x63"),
        "call_unknown_kind": least.replace(b"call", b"sing"),
        "call_cut": call[:40],
        "key_twice": b"\x82\xa1v\x01\xa1v\x01",
        "key_unknown": b"\x83\xa1v\x01\xa4kind\xa4ping\xa1x\x91\x81\xa1y\xc0",
        "map_bomb": b"\xdf\xff\xff\xff\xff\xa1v\x01",
        "error_map": golden.pack({"code": "overloaded", "number": 8, "message": "full", "effect": "none",
                                  "final": True, "retry_after_ms": 250, "details": {"lane": "orders"}}),
        "error_unknown_code": golden.pack({"code": "tired", "message": "x" * 50}),
    }


def batch_seeds():
    envelope = struct.pack("<II", len(FILES["call_header"]), 1) + FILES["call_header"] + NIL
    return {
        "three": FILES["batch_frame"],
        "one": b"\xc1\x01" + envelope,
        "empty": b"\xc1\x01",
        "of_nothing": b"\xc1\x01" + bytes(8) * 3,
        "cut": b"\xc1\x01" + envelope[:-1],
        "second_cut": b"\xc1\x01" + envelope + envelope[:20],
        "length_sum_wraps": b"\xc1\x01" + struct.pack("<II", 0x80000000, 0x80000000) + b"a",
        "version_2": b"\xc1\x02" + envelope,
    }


def reader_seeds():
    return {
        **NOISE,
        "body": golden.pack({"count": 2, "sku": "tea"}),
        "values": golden.pack([1, 2.5, None, True, -7, b"\x00\xff", "\u00e9", 2**64 - 1, -2**63]),
        "widths": b"\x98\xcc\x80\xcd\x01\x00\xce\x00\x01\x00\x00\xd0\x80\xd1\x80\x00\xd2\x80\x00\x00"
                  b"\x00\xca\x3f\x80\x00\x00\xd9\x01a",
        "keys": b"\x84\x01\x02\xc0\x03\x91\x01\x04\xc4\x01a\x05",
        "array32_bomb": b"\xdd\xff\xff\xff\xff",
        "array16_chain": b"\xdc\xff\xff" * 100,
        "depth_16": b"\x91" * 16 + b"\x01",
        "depth_17": b"\x91" * 16 + b"\x90",
        "str32_1gib": b"\xdb\x40\x00\x00\x00a",
        "nan": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        "nan_float32": b"\xca\x7f\xa0\x00\x01",
        "bad_utf8": b"\xa2\xc3(",
        "key_is_list_of_bad_text": b"\x81\x91\xa1\xff\x01",
        "extension": b"\xc7\x02\x05ab",
        "timestamp": b"\xd7\xff" + struct.pack(">Q", 5 << 34 | 1_700_000_000),
        "timestamp_12": b"\xc7\x0c\xff" + bytes(4) + struct.pack(">Q", 1_700_000_000),
        "trailing": NIL + NIL,
    }


def login_seeds():
    return {name: FILES[f"{name}_body"] for name in ("hello", "welcome", "state", "pong", "roster")}


def bodies(files):
    """As MessagePack; the first field of each left out as well."""
    made = {name: golden.pack(body) for name, body in files.items()}
    made.update({f"{name}_less": golden.pack(dict(list(body.items())[1:]))
                 for name, body in files.items() if body})
    return made


def status_seeds():
    call_id, breaker = golden.CALL_ID, {"capability": "stock", "credit": 3, "outstanding": 1, "replicas": 2,
                                        "inbox": True, "breaker": "open", "shut": "", "forced": "by ann"}
    counters = ("calls attached delivered redelivered replies pending answered refused overloaded conflicts "
                "expired late_replies stray_replies tried_elsewhere workers_joined workers_lost workers_left "
                "logins_refused suspects convicted adopted malformed unauthenticated undeliverable "
                "clients_joined clients_lost stood_still turned_away").split()
    group = {each: "" for each in ("capability store breaker forced_by forced_why forced_since outbox_trouble "
                                   "down_reason").split()}
    group.update({each: 1 for each in (
        "credit in_hand answered failed repeats turns effects takeovers events_credit events_in_hand events "
        "events_ignored events_postponed event_repeats events_of_others relayed outbox_confirmed "
        "outbox_depth").split()})
    group["replicas"] = [{"name": "r1", "state": "up", "generation": 2,
                          "failures": [{"ms_ago": 5, "reason": "threw", "message": "no"}]}]
    field = {"name": "sku", "optional": False, "type": {
        "within": ["list", "map"], "is": "words", "message": None, "words": ["tea", "rum"]}}
    return {
        **bodies({
            "broker": {
                "broker": "b1", "incarnation": "x", "uptime_ms": 5, "draining": False, "calls_held": 1,
                "nodes": [{"name": "n1", "live": True, "incarnation": "y", "pid": 4, "up_ms": 3,
                           "draining": False, "busy_ms": 0, "capabilities": [breaker]},
                          {"name": "n2", "live": False}],
                "capabilities": [{"name": "stock", "queued": 1, "outstanding": 2, "awaiting": 3,
                                  "waiting_for_workers": False}],
                "counters": {each: 1 for each in counters},
                "events": [{"name": "worker_lost", "ago_ms": 9, "fields": {"node": "n2", "why": "gone"}}]},
            "node": {"node": "n1", "incarnation": "x", "pid": 4, "calls_of_sagas": 1, "groups": [group]},
            "described": {
                "node": "n1", "next": "stock", "capabilities": [{
                    "capability": "stock", "subscribes": ["order.*"], "type": {
                        "actor": "stock", "operations": [
                            {"name": "add", "kind": "command", "request": "line", "reply": None}],
                        "handles": [{"pattern": "order.*", "event": "line"}], "publishes": [],
                        "types": [{"name": "line", "fields": [field]}]}}]},
            "sagas": {"capability": "order_saga", "node": "n1", "next": call_id, "sagas": [{
                "id": call_id, "operation": "place", "state": "parked", "step": "do charge",
                "code": "crashed", "reason": "no", "maybe_done": True, "failures": 3, "since": 17}]},
            "effects": {"capability": "payments", "node": "n1", "next": None, "effects": [{
                "key": call_id, "call": call_id, "effect": "charge", "state": "unsettled", "attempts": 2,
                "reason": "disk", "since": 17}]},
            "resume": {"capability": "order_saga", "id": call_id, "anew": True, "who": "ann"}}),
        "force_breaker": FILES["force_breaker_body"],
        "breaker_report": FILES["breaker_report_body"],
    }


def events_seeds():
    call_id = golden.CALL_ID
    letter = {"id": call_id, "capability": "stock", "position": 7, "event_id": call_id, "topic": "order.created",
              "key": "c", "cause": "rejected", "attempts": 3, "first_at": 1, "last_at": 2, "node": "n1",
              "replica": 1, "error": "no", "traceparent": ""}
    return {
        **bodies({
            "outbox": {"capability": "orders", "instance": call_id, "newest": 12, "newest_id": call_id,
                       "trouble": None},
            "confirmed": {"capability": "orders", "up_to": 12, "refused": "", "id": call_id, "position": 900,
                          "digest": 2**63, "digest_from": 3},
            "resend": {"capability": "orders", "from": 3, "to": 2**64 - 1},
            "buried": {"capability": "stock", "positions": [1, 2, 2**40]},
            "published": {"position": 9, "repeat": True},
            "read": {"patterns": ["order.*", "*"], "after": 3, "from": None, "count": 100, "wait_ms": 60000},
            "events": {"events": [{"position": 9, "id": call_id, "topic": "a.b", "key": "", "source": "n1",
                                   "time": -1, "traceparent": "", "body": b"\xc0"}],
                       "next": 9, "last": 9, "deleted_to": 2, "life": call_id, "after_life": call_id},
            "topics": {"journal": call_id, "last": 9, "next": None, "topics": [
                {"topic": "a.b", "events": 1, "bytes": 2, "first": 3, "last": 4, "oldest_at": 5,
                 "rate_per_s": 0.5}], "groups": [
                {"capability": "stock", "patterns": ["*"], "lag": 1, "waiting": 2, "in_flight": 3,
                 "retrying": 4, "dead": 5, "oldest_unacked_ms": 6, "cursor": 7, "nodes": ["n1"],
                 "trouble": None}]},
            "schedule": {"topic": "a.b", "key": "k", "body": b"\xc0", "at": None, "after": 5000},
            "letters": {"letters": [letter], "next": call_id},
            "retry": {"id": None, "all": True, "capability": "stock", "to": "notes"},
            "retried": {"retried": 3, "kept": [{"to": "stock", "topic": "a.b", "letters": 2}]}}),
        **{name: FILES[f"{name}_body"] for name in ("assign", "assigned", "handled")},
        "topic": b"order.created.x_1",
        "pattern": b"order.*",
        "pattern_all": b"*",
        "topic_empty_part": b"order..x",
    }


def json_seeds():
    uuid = "018f3c1e-7a2b-7c3d-8e4f-5061728394a5"
    whole = (f'{{"id":"{uuid}","lines":[{{"sku":"tea","quantity":-2}}],"digits":{{"a":[1,255],"b":[]}},'
             '"weight":0.5,"large":18446744073709551615,"bytes":"AP8=","age":-5,"shade":"green",'
             '"good":true,"note":"n\\u00e9","rest":{"any":[1,null]}}')
    return {
        "whole": whole.encode(),
        "least": b'{"lines":[],"digits":{},"weight":1,"large":0,"bytes":"","age":0,"shade":"red","good":false}',
        "answer": golden.pack({
            "id": golden.CALL_ID, "lines": [{"sku": "tea", "quantity": 300}], "digits": {"a": [1]},
            "weight": 2, "large": 5, "bytes": b"ab", "age": 9, "shade": "red", "good": True, "note": None,
            "rest": {"any": [1.5]}, "newer": 1}),
        "range": whole.replace("255", "256").encode(),
        "twice": b'{"a":1,"a":2}',
        "any": b'{"a":[1,-2,0.5,true,null,"x\\u00e9"],"b":{"c":{}}}',
        "numbers": b"[1e308,1e400,-0,0.1,18446744073709551616,-9223372036854775809,9007199254740993]",
        "surrogates": b'["\\ud83d\\ude00","\\ud800"]',
        "deep": b"[" * 17 + b"]" * 17,
        "long_token": b'["' + b"x" * 300,
        "bom": b"\xef\xbb\xbf{}",
        "comment": b"{/*x*/}",
        "base64": b"AP8=",
        "uuid": uuid.encode(),
        "integer": b"-128",
    }


def topology_seeds():
    good = (HERE / "topology_seed.yaml").read_bytes()
    return {
        "good": good,
        "lists": good.replace(b"[n1, n2]", b"\n    - n1\n    - n2"),
        "alias": good.replace(b"{in_flight: 64", b"&a {in_flight: 64") + b"  more: {bulkhead: *a}\n",
        "laughs": b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n",
        "merge": b"troupe: 1\nnodes: {n1: {<<: {host: here}}}\n",
        "twice": b"troupe: 1\ntroupe: 1\n",
        "tabs": b"troupe:\t1\n\tname: x\n",
        "deep": b"[" * 40 + b"]" * 40,
        "block": b"name: |\n  two\n  lines\nother: >-\n  folded\n",
        "documents": b"---\na: 1\n---\nb: 2\n",
        "duration": b"1m30s",
        "milliseconds": b"250ms",
        "size": b"16KiB",
        "size_large": b"18446744073709551615",
        "json": b'{"troupe": 1, "brokers": {"b1": {"listen": "tcp://[::1]:1"}}}',
    }


def routes_seeds():
    uuid = b"018f3c1e-7a2b-7c3d-8e4f-5061728394a5"
    return {
        "table": b"GET /api/users/{user_id}\nPOST /api/orders\nGET /files/{path*}\n/api/users/7?full=1",
        "overlap": b"GET /a/{x}\nGET /{y}/b\nHEAD /a/b\n/a/b",
        "rest": b"GET /old/*\nGET /old/{rest*}\n/old/a/b/",
        "twice": b"GET /{a}/{a}\n/x/y",
        "dots": b"GET /a/../b\n/%2e%2e/a",
        "slash": b"GET /\n/",
        "target": b"/a%20b/%c3%9c?x=1&y=a+b%26&&z",
        "absolute": b"http://a:80/b?c",
        "wait": b"respond-async, wait=30",
        "wait_large": b"wait=99999999999999999999",
        "key": uuid,
        "key_quoted": b'"' + uuid + b'"',
        "time": b"2026-11-24T01:54:45.123456789Z",
        "time_leap": b"2024-02-29T23:59:60Z",
    }


def journal_seeds():
    """Rows: kind and flags, step and round, bytes of data, data; 0x40 adds a good start."""
    def row(kind, step=0, turn=0, data=b""):
        return bytes([kind, step | turn << 4, len(data)]) + data

    why = golden.pack({"code": "rejected", "message": "no", "effect": "none"})
    start, asked = row(1 | 0x40, data=b"in"), lambda step: row(2, step)
    done = [asked(step) + row(3, step, data=b"ok") for step in range(3)]
    return {
        "begun": start + asked(0),
        "completed": start + b"".join(done) + row(7, 2),
        "compensated": start + done[0] + asked(1) + row(4, 1, data=why) + row(5, 0) + row(6, 0) + row(8),
        "parked": start + done[0] + done[1] + asked(2) + row(9, 2, data=why),
        "resumed": start + done[0] + done[1] + asked(2) + row(9, 2, data=why) + row(10, 2, 1) + row(2, 2, 1),
        "undo_parked": start + asked(0) + row(4, 0, data=why) + row(5, 0) + row(9, 0, data=why) + row(10, 0, 1),
        "gap": start + row(2 | 0x80),
        "newer": start + asked(0) + row(11),
        "other_plan": row(1, data=bytes(16) + b"in") + asked(0),
        "cut": row(1, data=b"short"),
    }


def http_seeds():
    get, post = b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST /a?b=c HTTP/1.1\r\nHost: a:80\r\n"
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "get": get + b"\r\n",
        "get_1_0": b"GET / HTTP/1.0\r\n\r\n",
        "get_kept": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "ahead": (get + b"\r\n") * 3,
        "absolute": b"GET http://a:80/b HTTP/1.1\r\nHost: a:80\r\n\r\n",
        "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "http_0_9": b"GET /\r\n\r\n",
        "http_2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "tls_hello": bytes.fromhex("16030100a5010000a10303"),
        "body": post + b"Content-Length: 3\r\n\r\nabc",
        "body_cut": post + b"Content-Length: 3\r\n\r\nab",
        "body_at_limit": post + b"Content-Length: 64\r\n\r\n" + b"x" * 64,
        "body_over_limit": post + b"Content-Length: 65\r\n\r\n" + b"x" * 65,
        "continue": post + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\na",
        "chunks": chunked + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX: y\r\n\r\n",
        "chunks_at_limit": chunked + b"40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n",
        "chunks_over_limit": chunked + b"40\r\n" + b"x" * 64 + b"\r\n1\r\ny\r\n0\r\n\r\n",
        "chunk_negative": chunked + b"-2\r\nab\r\n0\r\n\r\n",
        "chunk_huge": chunked + b"ffffffffffffffff\r\nab",
        "chunk_quoted": chunked + b'1;a="\\"";b\r\nx\r\n00\r\n\r\n',
        "trailer_continued": chunked + b"0\r\nX: a\r\n b\r\n\r\n",
        "length_and_chunked": post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked_identity": post + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "xchunked": post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "gzip_chunked": post + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "chunked_1_0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "lengths": post + b"Content-Length: 3, 3\r\n\r\nabc",
        "two_hosts": get + b"Host: b\r\n\r\n",
        "folded": get + b"X: a\r\n b\r\n\r\n",
        "bare_lf": b"GET / HTTP/1.1\nHost: a\n\n",
        "bare_cr": get + b"X: a\rb\r\n\r\n",
        "nul": get + b"X: a\x00b\r\n\r\n",
        "space_before_colon": get + b"X : a\r\n\r\n",
        "nine_fields": get + b"X: a\r\n" * 8 + b"\r\n",
        "long_target": b"GET /" + b"a" * 200 + b" HTTP/1.1\r\n",
        "long_head": get + b"X: " + b"a" * 600,
        "connection": get + b"Connection: upgrade, close\r\nUpgrade: h2c\r\n\r\n",
        "target": b"/a%20b/%c3%9c/../%2f?x=1&y=a+b%26&&z",
        "target_dots": b"/%2e%2e/a%5cb",
    }


def write(target, files):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / f"seed_{name}").write_bytes(data)


if __name__ == "__main__":
    for each in ("batch", "events", "header", "http", "journal", "json", "login", "reader", "routes", "status",
                 "topology"):
        write(each, globals()[f"{each}_seeds"]())
