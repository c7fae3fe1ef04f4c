"""Topologies made from the schema: each key that it knows, where the schema says it stands."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator

TROUPE = os.environ["TROUPE_BIN"] + "/troupe"
# The names of what is in the maps from names, by the map.
NAMES = {"brokers": "b1", "nodes": "n1", "capabilities": "users", "topics": "order.*", "gateways": "g1",
         "routes": "POST /users", "rejected": "some_reason", "strangler": "billing", "allow": "anna"}

Path = tuple[str, ...]


def schema() -> dict:
    done = subprocess.run([TROUPE, "schema"], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


def resolved(whole: dict, part: dict) -> dict:
    return whole["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else part


def walk(whole: dict, part: dict, path: Path = ()) -> Iterator[tuple[Path, dict]]:
    """Each part of a schema with its place: maps of keys, maps from names, and single values."""
    part = resolved(whole, part)
    yield path, part
    for key, inner in part.get("properties", {}).items():
        yield from walk(whole, inner, path + (key,))
    if isinstance(part.get("additionalProperties"), dict):
        yield from walk(whole, part["additionalProperties"], path + (NAMES[path[-1]],))


def is_section(part: dict) -> bool:
    return "properties" in part


def is_map(part: dict) -> bool:
    return isinstance(part.get("additionalProperties"), dict)


def put(tree: dict, path: Path, value: object) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value


def written(tree: dict) -> tuple[str, dict[Path, int]]:
    """The topology as YAML, and the line of each of its keys."""
    lines: list[str] = []
    places: dict[Path, int] = {}

    def add(part: dict, path: Path) -> None:
        for key, value in part.items():
            head = "  " * len(path) + json.dumps(key) + ":"
            places[path + (key,)] = len(lines) + 1
            if isinstance(value, dict) and value:
                lines.append(head)
                add(value, path + (key,))
            else:
                lines.append(f"{head} {json.dumps(value)}")

    add(tree, ())
    return "\n".join(lines) + "\n", places


def faults_of(text: str) -> list[dict]:
    """What the reader finds wrong with a topology."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([TROUPE, "check", file.name, "--json"], capture_output=True, text=True,
                              timeout=30, check=False)
    return json.loads(done.stdout).get("faults", [])


def leaves(whole: dict, wanted: Callable[[dict], bool]) -> list[tuple[Path, dict]]:
    return [(path, part) for path, part in walk(whole, whole)
            if not is_section(part) and not is_map(part) and wanted(part)]
