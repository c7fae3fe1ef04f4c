#!/usr/bin/python3
"""Calls any capability from plain Python: python3-zmq and python3-msgpack, nothing of ours.

    client.py users.get '{"user_id": "01a206c0-b8fa-7000-8001-65c2ec9e316f"}' [tcp://127.0.0.1:5550]
"""
import json, os, sys, time, uuid
import msgpack, zmq

target, body = sys.argv[1], json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")
endpoint = sys.argv[3] if len(sys.argv) > 3 else "tcp://127.0.0.1:5550"
capability, operation = target.rsplit(".", 1)
# The id is the idempotency key. It starts with the time in ms, as in a UUID of version 7.
call_id = uuid.UUID(int=int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62
                    | int.from_bytes(os.urandom(9), "big") & ((1 << 62) - 1))
header = {"v": 1, "kind": "call", "id": call_id.bytes, "to": capability, "op": operation,
          "ttl": 5000}
socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.LINGER, 0)
socket.connect(endpoint)
socket.send_multipart([msgpack.packb(header), msgpack.packb(body)])
if not socket.poll(6000):
    sys.exit(f"no answer; ask again with the same id ({call_id})")
header, body = socket.recv_multipart()
header = msgpack.unpackb(header)
if header["status"] != "ok":
    sys.exit(f"error: {header['error']}")
print(json.dumps(msgpack.unpackb(body), default=lambda raw: str(uuid.UUID(bytes=raw))))
