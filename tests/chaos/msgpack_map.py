"""As much of MessagePack as the errors in a saga's journal need, written against its public format."""

import struct
from typing import Any

_FIXED = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i",
          0xd3: ">q", 0xca: ">f", 0xcb: ">d"}
_TEXT = {0xd9: ">B", 0xda: ">H", 0xdb: ">I"}
_BYTES = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I"}
_ARRAY = {0xdc: ">H", 0xdd: ">I"}
_MAP = {0xde: ">H", 0xdf: ">I"}
_PLAIN = {0xc0: None, 0xc2: False, 0xc3: True}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at:self._at + count]
        if len(piece) != count:
            raise ValueError("the bytes end inside a value")
        self._at += count
        return piece

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _map(self, count: int) -> dict[Any, Any]:
        return {self.value(): self.value() for _ in range(count)}

    def value(self) -> Any:
        kind = self._take(1)[0]
        if kind < 0x80:
            return kind
        if kind >= 0xe0:
            return kind - 0x100
        if kind < 0x90:
            return self._map(kind & 0x0f)
        if kind < 0xa0:
            return [self.value() for _ in range(kind & 0x0f)]
        if kind < 0xc0:
            return self._take(kind & 0x1f).decode()
        return self._marked(kind)

    def _marked(self, kind: int) -> Any:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind in _FIXED:
            return self._number(_FIXED[kind])
        if kind in _TEXT:
            return self._take(self._number(_TEXT[kind])).decode()
        if kind in _BYTES:
            return self._take(self._number(_BYTES[kind]))
        if kind in _ARRAY:
            return [self.value() for _ in range(self._number(_ARRAY[kind]))]
        if kind in _MAP:
            return self._map(self._number(_MAP[kind]))
        raise ValueError(f"{kind:#x} begins no value of an error")


def read_map(data: bytes | None) -> dict[Any, Any] | None:
    """The map that `data` is, or None if it is none."""
    try:
        value = _Reader(bytes(data or b"")).value()
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, dict) else None
