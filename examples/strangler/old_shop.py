#!/usr/bin/python3
"""The old shop: one HTTP server that does everything. Python's standard library, all in memory.

    old_shop.py [--port 3002] [--users 40]
"""

import argparse
import http.server
import json
import os
import threading
import time


def new_id() -> str:
    """A UUID of version 7."""
    tail = bytearray(os.urandom(10))
    tail[0], tail[2] = tail[0] & 0x0F | 0x70, tail[2] & 0x3F | 0x80
    text = ((time.time_ns() // 1_000_000).to_bytes(6, "big") + bytes(tail)).hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Shop:
    """What the old shop knows."""

    def __init__(self, users: int):
        self._lock = threading.Lock()
        self.users = {}
        for number in range(users):
            # Some addresses were typed with capitals, and the old shop never minded.
            name = f"User{number}" if number % 10 == 0 else f"user{number}"
            self.add_user({"email": f"{name}@old.example", "name": f"User {number}"})
        self.stock = {
            sku: {"sku": sku, "price_cents": 100 + 10 * number, "currency": "EUR",
                  "available": 1000 + number}
            for number, sku in enumerate(("tea-red", "tea-green", "pot", "cup"))}

    def add_user(self, user: dict) -> dict:
        with self._lock:
            made = {"user_id": new_id(), "email": user["email"], "name": user["name"],
                    "member_since": int(time.time())}
            self.users[made["user_id"]] = made
            return made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Served-By", "the old shop")
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        shop: Shop = self.server.shop
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts == ["api", "users"]:
            self.answer(200, list(shop.users.values()))
        elif parts == ["api", "inventory"]:
            self.answer(200, list(shop.stock.values()))
        elif parts[:2] == ["api", "users"] and len(parts) == 3 and parts[2] in shop.users:
            self.answer(200, shop.users[parts[2]])
        elif parts[:2] == ["api", "inventory"] and len(parts) == 3 and parts[2] in shop.stock:
            self.answer(200, shop.stock[parts[2]])
        elif parts == [""]:
            self.answer(200, {"shop": "old"})
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/api/users":
            self.answer(201, self.server.shop.add_user(body))
        else:
            self.answer(404, {"error": "not found"})

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=3002)
    parser.add_argument("--users", type=int, default=40)
    given = parser.parse_args()
    server = Server(("127.0.0.1", given.port), Handler)
    server.shop = Shop(given.users)
    print(f"the old shop listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
