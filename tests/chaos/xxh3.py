"""XXH3 with seed 0, as the product computes ids, digests and partitions: written against the public
specification. 64 bits for any length, 128 bits for the 17 to 128 bytes that ids are derived from."""

import struct

_M64 = (1 << 64) - 1
_P32_1, _P32_2, _P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
# Numbers of eight bytes, at each place of the secret.
_AT = [int.from_bytes(_SECRET[at:at + 8], "little") for at in range(len(_SECRET) - 7)]
_LONG_ACC = (_P32_3, _P1, _P2, _P3, _P4, _P32_2, _P5, _P32_1)
_STRIPES_PER_BLOCK = (192 - 64) // 8


def _fold(a: int, b: int) -> int:
    product = a * b
    return (product & _M64) ^ (product >> 64)


def _avalanche(h: int) -> int:
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & _M64
    return h ^ h >> 32


def _xxh64_avalanche(h: int) -> int:
    h ^= h >> 33
    h = h * _P2 & _M64
    h ^= h >> 29
    h = h * _P3 & _M64
    return h ^ h >> 32


def _swap64(value: int) -> int:
    return int.from_bytes(value.to_bytes(8, "little"), "big")


def _short(data: bytes) -> int:
    size = len(data)
    if size > 8:
        low = int.from_bytes(data[:8], "little") ^ _AT[24] ^ _AT[32]
        high = int.from_bytes(data[-8:], "little") ^ _AT[40] ^ _AT[48]
        return _avalanche((size + _swap64(low) + high + _fold(low, high)) & _M64)
    if size >= 4:
        both = int.from_bytes(data[-4:], "little") + (int.from_bytes(data[:4], "little") << 32)
        h = both ^ _AT[8] ^ _AT[16]
        h ^= ((h << 49 | h >> 15) ^ (h << 24 | h >> 40)) & _M64
        h = h * 0x9FB21C651E98DF25 & _M64
        h ^= (h >> 35) + size
        h = h * 0x9FB21C651E98DF25 & _M64
        return h ^ h >> 28
    if size:
        combined = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        flip = int.from_bytes(_SECRET[:4], "little") ^ int.from_bytes(_SECRET[4:8], "little")
        return _xxh64_avalanche(combined ^ flip)
    return _xxh64_avalanche(_AT[56] ^ _AT[64])


def _mix(words: tuple[int, ...], at: int, secret: int) -> int:
    return _fold(words[at] ^ _AT[secret], words[at + 1] ^ _AT[secret + 8])


def _middle(data: bytes) -> int:
    size = len(data)
    acc = size * _P1
    if size <= 128:
        for i in range((size - 1) // 32, -1, -1):
            acc += _mix(struct.unpack_from("<2Q", data, 16 * i), 0, 32 * i)
            acc += _mix(struct.unpack_from("<2Q", data, size - 16 * (i + 1)), 0, 32 * i + 16)
        return _avalanche(acc & _M64)
    words = struct.unpack_from(f"<{size // 16 * 2}Q", data)
    for i in range(8):
        acc += _mix(words, 2 * i, 16 * i)
    acc = _avalanche(acc & _M64)
    for i in range(8, size // 16):
        acc += _mix(words, 2 * i, 16 * (i - 8) + 3)
    acc += _mix(struct.unpack_from("<2Q", data, size - 16), 0, 136 - 17)
    return _avalanche(acc & _M64)


def _stripe(acc: list[int], words: tuple[int, ...], secret: int) -> None:
    for i in range(8):
        keyed = words[i] ^ _AT[secret + 8 * i]
        acc[i ^ 1] = acc[i ^ 1] + words[i] & _M64
        acc[i] = acc[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & _M64


def _long(data: bytes) -> int:
    acc = list(_LONG_ACC)
    size = len(data)
    for number in range((size - 1) // 64):
        _stripe(acc, struct.unpack_from("<8Q", data, 64 * number), 8 * (number % _STRIPES_PER_BLOCK))
        is_last_of_block = number % _STRIPES_PER_BLOCK == _STRIPES_PER_BLOCK - 1
        if is_last_of_block and 64 * (number + 1) <= (size - 1) // 1024 * 1024:
            for i in range(8):
                acc[i] = ((acc[i] ^ acc[i] >> 47) ^ _AT[128 + 8 * i]) * _P32_1 & _M64
    _stripe(acc, struct.unpack_from("<8Q", data, size - 64), 192 - 64 - 7)
    result = size * _P1
    for i in range(4):
        result += _fold(acc[2 * i] ^ _AT[11 + 16 * i], acc[2 * i + 1] ^ _AT[19 + 16 * i])
    return _avalanche(result & _M64)


def xxh64(data: bytes) -> int:
    """XXH3-64 of any bytes."""
    if len(data) <= 16:
        return _short(data)
    return _middle(data) if len(data) <= 240 else _long(data)


def xxh128(data: bytes) -> tuple[int, int]:
    """XXH3-128 of 17 to 128 bytes: its high and its low half."""
    size = len(data)
    if not 17 <= size <= 128:
        raise ValueError(f"{size} bytes: only 17 to 128 are needed here")
    low, high = size * _P1, 0
    for i in range((size - 1) // 32, -1, -1):
        first = struct.unpack_from("<2Q", data, 16 * i)
        second = struct.unpack_from("<2Q", data, size - 16 * (i + 1))
        low = (low + _mix(first, 0, 32 * i) & _M64) ^ (second[0] + second[1] & _M64)
        high = (high + _mix(second, 0, 32 * i + 16) & _M64) ^ (first[0] + first[1] & _M64)
    return (-_avalanche((low * _P1 + high * _P4 + size * _P2) & _M64) & _M64,
            _avalanche(low + high & _M64))
