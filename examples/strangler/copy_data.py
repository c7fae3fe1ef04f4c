#!/usr/bin/python3
"""Copies users and stock of the old shop into the capabilities; again, as often as it is wanted.

A user keeps its id: it is the id of the call that registers it, and a call that is repeated does
nothing. What is new in the old shop since the last time is added.

    copy_data.py FILE [--from http://127.0.0.1:3002]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

TROUPE = str(pathlib.Path(os.environ["TROUPE_BIN"]) / "troupe") if "TROUPE_BIN" in os.environ else "troupe"


def call(file: str, operation: str, body: object, *more: str) -> None:
    subprocess.run([TROUPE, "call", file, operation, json.dumps(body), *more],
                   check=True, stdout=subprocess.DEVNULL)


def get(url: str) -> list:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", metavar="FILE", help="the topology")
    parser.add_argument("--from", dest="old", default="http://127.0.0.1:3002")
    given = parser.parse_args()
    users = get(f"{given.old}/api/users")
    for user in users:
        call(given.file, "users.register", {"email": user["email"], "name": user["name"]},
             "--id", user["user_id"])
    stock = get(f"{given.old}/api/inventory")
    call(given.file, "inventory.load", {"items": [
        {"sku": each["sku"], "price_cents": each["price_cents"], "currency": each["currency"],
         "quantity": each["available"]} for each in stock]})
    print(f"copied {len(users)} users and {len(stock)} products")


if __name__ == "__main__":
    sys.exit(main())
