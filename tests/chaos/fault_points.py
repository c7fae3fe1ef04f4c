"""Fault points: the named places in the sources at which a process can be told to die."""

import pathlib
import re


def points_in(source: pathlib.Path) -> dict[str, bool]:
    """Every point, and whether a broker passes it."""
    found = {}
    for folder in ("runtime", "nodes", "actors"):
        for path in sorted((source / folder).rglob("*.cpp")):
            for name in re.findall(r'TROUPE_FAULT\("([^"]+)"\)', path.read_text()):
                found[name] = "broker" in path.relative_to(source).parts
    return found
