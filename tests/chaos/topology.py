"""Settings of the shop that decide what its books must hold: read from the topology beside the data,
or the defaults of the programs. Knows as much of YAML as shop.yaml needs."""

import pathlib
import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WEEK = 7 * _UNITS["d"]


class Topology:
    """The text of a topology; every setting has a default."""

    def __init__(self, text: str = "") -> None:
        self._lines = [re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines()]
        self._blocks: dict[tuple[str, int], str] = {}

    @classmethod
    def beside(cls, data: pathlib.Path) -> "Topology":
        for path in sorted(data.absolute().parent.glob("*.yaml")):
            text = path.read_text()
            if re.search(r"^capabilities:", text, re.MULTILINE):
                return cls(text)
        return cls()

    def _block(self, name: str, indent: int) -> str:
        """What stands under a key."""
        known = self._blocks.get((name, indent))
        if known is not None:
            return known
        inside, found = False, []
        for line in self._lines:
            depth = len(line) - len(line.lstrip())
            if line.strip() and depth <= indent:
                inside = depth == indent and line.lstrip().startswith(f"{name}:")
            if inside:
                found.append(line)
        return self._blocks.setdefault((name, indent), "\n".join(found))

    def _setting(self, capability: str, key: str, default: str) -> str:
        for block in (self._block(capability, 2), self._block("defaults", 0)):
            value = re.search(rf'\b{key}:\s*"?([^\s",}}]+)', block)
            if value:
                return value[1]
        return default

    def number(self, capability: str, key: str, default: int) -> int:
        return int(self._setting(capability, key, str(default)))

    def word(self, capability: str, key: str, default: str) -> str:
        return self._setting(capability, key, default)

    def inbox_kept(self, capability: str) -> int:
        """For so many milliseconds answers are kept."""
        return self._duration(capability, "inbox_kept", "7d")

    def sagas_kept(self, capability: str) -> int:
        """For so many milliseconds sagas that are over are kept, and answers to their commands."""
        return self._duration(capability, "sagas_kept", "90d")

    def _duration(self, capability: str, key: str, default: str) -> int:
        value = re.fullmatch(r"(\d+)(ms|s|m|h|d)", self._setting(capability, key, default))
        return int(value[1]) * _UNITS[value[2]] if value else _WEEK

    def replicas(self, capability: str) -> list[str] | None:
        """The node of each replica: they are dealt to the nodes in turn. None: not known."""
        block = self._block(capability, 2)
        count = re.search(r"\breplicas:\s*(\d+)", block)
        nodes = re.search(r"\bnodes:\s*\[([^\]]*)\]", block)
        if not count or not nodes:
            return None
        names = [name.strip() for name in nodes[1].split(",")]
        return [names[number % len(names)] for number in range(int(count[1]))]

    def has(self, capability: str, text: str) -> bool:
        """Whether a capability's entry has that text."""
        return text in self._block(capability, 2)
