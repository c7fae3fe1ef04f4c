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
    write("envelope", seeds())
    write("http", http_seeds())
