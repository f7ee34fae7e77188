"""The order in which Kafka writes the keys of some JSON objects: that of a Scala 2.13 mutable hash map.

No reader cares, but tools that print or compare znodes show it, and brokers of both kinds rewrite each
other's. A table doubles whenever one more key would fill it to three quarters; keys lie in the slot of
their hash, and in one slot by hash (`scala.collection.mutable.HashMap`).
"""

from __future__ import annotations

from collections.abc import Iterable


def scala_order(keys: Iterable[str], *, made_of: int = 0) -> list[str]:
    """Sort keys as such a map iterates that was made of its first `made_of` keys and then got the others.

    An empty map begins with 16 slots, another with as few as hold what it is made of.
    """
    unique = list(dict.fromkeys(keys))
    slots = _slots_for((made_of + 1) * 4 // 3) if made_of else 16
    for size in range(len(unique)):
        if size + 1 >= slots * 3 // 4:
            slots *= 2
    hashes = {key: _spread(java_hash(key)) for key in unique}
    return sorted(unique, key=lambda key: (hashes[key] & (slots - 1), _signed(hashes[key])))


def _slots_for(capacity: int) -> int:
    return 1 << (max(capacity - 1, 4) * 2).bit_length() - 1


def java_hash(text: str) -> int:
    """`String.hashCode`, as an unsigned 32-bit number; of UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return value


def _spread(value: int) -> int:
    return value ^ (value >> 16)


def _signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 else value
