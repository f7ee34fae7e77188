"""The order in which Kafka writes the keys of JSON objects: that of the JVM's hash tables.

No reader cares, but tools that print or compare znodes show it, and brokers of both kinds rewrite each
other's. A table doubles when it is three quarters full; keys lie in the slot of their hash.
"""

from __future__ import annotations

from collections.abc import Iterable


def scala_order(keys: Iterable[str], *, made_of: int = 0) -> list[str]:
    """Sort keys as a Scala 2.13 mutable map iterates that was made of its first `made_of` keys.

    An empty map begins with 16 slots, another with as few as hold what it is made of; it grows before the
    key that would fill it, and keys in one slot go by hash (`scala.collection.mutable.HashMap`).
    """
    unique = list(dict.fromkeys(keys))
    slots = _scala_slots((made_of + 1) * 4 // 3) if made_of else 16
    for size in range(len(unique)):
        if size + 1 >= slots * 3 // 4:
            slots *= 2
    hashes = {key: _spread(java_hash(key)) for key in unique}
    return sorted(unique, key=lambda key: (hashes[key] & (slots - 1), _signed(hashes[key])))


def properties_order(keys: Iterable[str]) -> list[str]:
    """Sort keys as a `java.util.Properties` iterates, which is a ConcurrentHashMap of 16 slots at first."""
    unique = list(dict.fromkeys(keys))
    slots = 16
    while len(unique) >= slots * 3 // 4:
        slots *= 2
    return sorted(unique, key=lambda key: _spread(java_hash(key)) & (slots - 1))


def java_hash(text: str) -> int:
    """`String.hashCode`, as an unsigned 32-bit number; of UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return value


def _scala_slots(capacity: int) -> int:
    return 1 << (max(capacity - 1, 4) * 2).bit_length() - 1


def _spread(value: int) -> int:
    return value ^ (value >> 16)


def _signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 else value
