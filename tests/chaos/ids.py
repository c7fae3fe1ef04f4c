"""The ids that follow from an order's: of its steps' calls, their events, effects and mails. Each is
derived from another one by a label (runtime/wire/FORMAT.md, section 6), so all can be computed."""

import functools

from xxh3 import xxh64, xxh128

STEPS = ("create", "reserve", "charge", "confirm")
PARTITIONS = 64


def derived(source: bytes, label: str) -> bytes:
    """A UUID of version 8 with the time of `source`."""
    high, low = xxh128(source + label.encode())
    tail = bytearray((high & 0xFFFF).to_bytes(2, "big") + low.to_bytes(8, "big"))
    tail[0] = tail[0] & 0x0F | 0x80
    tail[2] = tail[2] & 0x3F | 0x80
    return source[:6] + bytes(tail)


def is_derived(key: bytes) -> bool:
    """Whether it is the id of a saga's command, say, and not of a client's call."""
    return key[6] >> 4 == 8


@functools.lru_cache(maxsize=1 << 18)
def command(order: bytes, step: int, undo: bool = False, attempt_round: int = 0) -> bytes:
    """The id of the call that does a step of an order's saga, or undoes it."""
    return derived(order, f"{STEPS[step]}:{'undo' if undo else 'do'}:{attempt_round}")


def event(turn: bytes, topic: str, number: int = 1) -> bytes:
    """The id of the event that a turn publishes as its first, second ..."""
    return derived(turn, f"{topic}#{number}")


def mail_key(event_id: bytes) -> bytes:
    """The key of the effect that sends the mail for an `order.confirmed`."""
    return derived(derived(event_id, "notifications"), "send_confirmation")


def refund_key(payment_id: bytes) -> bytes:
    """The provider's key for paying a payment back."""
    return derived(payment_id, "refund")


def dead_letter(event_id: bytes, capability: str, position: int) -> bytes:
    return derived(event_id, f"{capability}:{position}")


def call_digest(operation: str, body: bytes) -> int:
    """What an inbox remembers of a call's operation and body, as SQL has it: signed."""
    return signed(xxh64(body) ^ _word_digest(operation))


@functools.lru_cache(maxsize=64)
def _word_digest(word: str) -> int:
    return xxh64(word.encode())


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def partition(key: str | None, event_id: bytes) -> int:
    return xxh64(key.encode() if key else event_id) % PARTITIONS


def birth(identity: bytes) -> int:
    """The time in an id: milliseconds since 1970."""
    return int.from_bytes(identity[:6], "big")


def text(value: object) -> str:
    """An id as people write it; other bytes in hexadecimal, anything else as text."""
    if isinstance(value, bytes):
        digits = value[:24].hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) \
            if len(value) == 16 else f"x'{digits}'"
    return str(value)
