#!/usr/bin/python3
"""Calls any capability from plain Python: python3-zmq and python3-msgpack, nothing of ours."""
import argparse, json, os, sys, time, uuid
import msgpack, zmq

# The id is the idempotency key. It starts with the time in ms, as in a UUID of version 7.
new_id = uuid.UUID(int=int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62
                   | int.from_bytes(os.urandom(9), "big") & ((1 << 62) - 1))
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("target", metavar="CAPABILITY.OPERATION", help="such as users.get")
parser.add_argument("body", metavar="JSON", type=json.loads, nargs="?", default={})
parser.add_argument("--broker", default="tcp://127.0.0.1:5550", help="[%(default)s]")
parser.add_argument("--id", type=uuid.UUID, default=new_id, help="asks again for what had this id")
given = parser.parse_args()
capability, _, operation = given.target.rpartition(".")
header = {"v": 1, "kind": "call", "id": given.id.bytes, "to": capability, "op": operation,
          "ttl": 5000}
socket = zmq.Context().socket(zmq.REQ)
socket.setsockopt(zmq.LINGER, 0)
socket.connect(given.broker)
socket.send_multipart([msgpack.packb(header), msgpack.packb(given.body)])
if not socket.poll(6000):
    sys.exit(f"no answer; ask again with --id {given.id}")
header, body = socket.recv_multipart()
header = msgpack.unpackb(header)
if header["status"] != "ok":
    sys.exit(f"error: {header['error']}")
print(json.dumps(msgpack.unpackb(body), default=lambda raw: str(uuid.UUID(bytes=raw))
                 if len(raw) == 16 else raw.hex()))
