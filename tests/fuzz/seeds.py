"""Writes corpus/envelope/seed_*: small inputs from which the fuzzer starts.

Findings of the fuzzer are added by hand as corpus/envelope/found_NAME, NAME saying what it was.
"""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "wire"))
import golden  # noqa: E402


def seeds():
    files = golden.golden()
    hello, call = files["hello_header"], files["call_header"]
    envelope = struct.pack("<II", len(call), 1) + call + b"\xc0"
    return {
        "call": call + golden.pack({"count": 2, "sku": "tea"}),
        "call_least": files["call_header_least"] + b"\xc0",
        "call_short_ttl": files["call_header_least"][:-5] + b"\x05" + b"\xc0",
        "call_version_99": files["call_header_least"].replace(b"\xa1v\x01", b"\xa1v\x63"),
        "call_unknown_kind": files["call_header_least"].replace(b"call", b"sing"),
        "reply_ok": files["reply_ok_header"] + golden.pack([1, 2.5, None, True, -7, b"\x00\xff"]),
        "reply_pending": files["reply_pending_header"],
        "reply_error": files["reply_error_header"],
        "hello": hello + files["hello_body"],
        "welcome": hello.replace(b"\xa5hello", b"\xa7welcome") + files["welcome_body"],
        "state": hello.replace(b"hello", b"state") + files["state_body"],
        "pong": hello.replace(b"\xa5hello", b"\xa4pong") + files["pong_body"],
        "roster": hello.replace(b"\xa5hello", b"\xa6roster") + files["roster_body"],
        "batch": files["batch_frame"],
        "batch_empty": b"\xc1\x01",
        "batch_cut": b"\xc1\x01" + envelope[:-1],
        "batch_length_sum_wraps": b"\xc1\x01" + struct.pack("<II", 0x80000000, 0x80000000) + b"a",
        "body_array32_bomb": call + b"\xdd\xff\xff\xff\xff",
        "body_array16_chain": call + b"\xdc\xff\xff" * 100,
        "body_depth_16": call + b"\x91" * 16 + b"\x01",
        "body_depth_17": call + b"\x91" * 16 + b"\x90",
        "body_str32_1gib": call + b"\xdb\x40\x00\x00\x00a",
        "body_nan": call + b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
        "body_bad_utf8": call + b"\xa2\xc3(",
        "body_key_is_list_of_bad_text": call + b"\x81\x91\xa1\xff\x01",
        "body_extension": call + b"\xc7\x02\x05ab",
        "body_trailing": call + b"\xc0\xc0",
        "header_key_twice": b"\x82\xa1v\x01\xa1v\x01",
        "http": b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
        "tls_hello": bytes.fromhex("16030100a5010000a10303"),
        "json": b'{"a":[1,-2,0.5,true,null,"x\\u00e9"],"b":{"c":{}}}',
        "json_deep": b"[" * 17 + b"]" * 17,
        "json_long_token": b'["' + b"x" * 300,
    }


if __name__ == "__main__":
    folder = HERE / "corpus" / "envelope"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds().items():
        (folder / f"seed_{name}").write_bytes(data)
