"""MessagePack, read and written as the product does it, against its public format: the shortest form of
every integer, text of UTF-8, ids as binary."""

import functools
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

    def is_at_end(self) -> bool:
        return self._at == len(self._data)

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
        raise ValueError(f"{kind:#x} begins no value")


def unpack(data: bytes | None) -> Any:
    """The one value that `data` is. ValueError if it is none, or if something follows it."""
    reader = _Reader(bytes(data or b""))
    try:
        value = reader.value()
    except TypeError as fault:
        raise ValueError(f"a map's key is no plain value: {fault}") from fault
    if not reader.is_at_end():
        raise ValueError("something follows the value")
    return value


def read_map(data: bytes | None) -> dict[Any, Any] | None:
    """The map that `data` is, or None if it is none."""
    try:
        value = unpack(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@functools.lru_cache(maxsize=1024)
def _sized(size: int, fixed: tuple[int, int], *marks: tuple[int, str]) -> bytes:
    """The head of something with a size: in the first byte if it is below fixed[1], else behind it."""
    if size < fixed[1]:
        return bytes([fixed[0] | size])
    for mark, form in marks:
        if size < 1 << 8 * struct.calcsize(form):
            return bytes([mark]) + struct.pack(form, size)
    raise ValueError(f"{size} is too much")


def _integer(value: int) -> bytes:
    if value >= 0:
        return _sized(value, (0, 0x80), (0xcc, ">B"), (0xcd, ">H"), (0xce, ">I"), (0xcf, ">Q"))
    if value >= -32:
        return struct.pack(">b", value)
    for mark, form, bits in ((0xd0, ">b", 7), (0xd1, ">h", 15), (0xd2, ">i", 31), (0xd3, ">q", 63)):
        if value >= -(1 << bits):
            return bytes([mark]) + struct.pack(form, value)
    raise ValueError(f"{value} is too little")


@functools.lru_cache(maxsize=4096)
def _text(value: str) -> bytes:
    data = value.encode()
    return _sized(len(data), (0xa0, 32), (0xd9, ">B"), (0xda, ">H"), (0xdb, ">I")) + data


class Packed(bytes):
    """A value that is packed already, to be part of another."""


def _map(value: dict[str, Any]) -> bytes:
    parts = [_sized(len(value), (0x80, 16), (0xde, ">H"), (0xdf, ">I"))]
    for key, each in value.items():
        parts += (_text(key), pack(each))
    return b"".join(parts)


def _list(value: list[Any]) -> bytes:
    return _sized(len(value), (0x90, 16), (0xdc, ">H"), (0xdd, ">I")) + b"".join(map(pack, value))


def _binary(value: bytes) -> bytes:
    return _sized(len(value), (0, 0), (0xc4, ">B"), (0xc5, ">H"), (0xc6, ">I")) + value


_FORMS = {str: _text, int: _integer, bytes: _binary, dict: _map, list: _list, Packed: bytes,
          bool: lambda value: b"\xc3" if value else b"\xc2", type(None): lambda _: b"\xc0"}


def pack(value: Any) -> bytes:
    """The bytes of a value; a map's entries in the order of its keys here."""
    form = _FORMS.get(type(value))
    if form is None:
        raise ValueError(f"{value!r} has no form here")
    return form(value)
