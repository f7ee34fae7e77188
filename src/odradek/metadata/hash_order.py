"""The order in which Kafka goes through its hash tables, and so writes the keys of JSON objects and answers.

Hardly a reader cares, but tools that print or compare znodes show it, brokers of both kinds rewrite each
other's, and answers are compared with Kafka's. Hash codes are unsigned 32-bit numbers here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from typing import TypeVar, overload
from uuid import UUID

Key = TypeVar("Key", bound=Hashable)

_MASK = 0xFFFFFFFF
_MASK_64 = (1 << 64) - 1
_FIBONACCI = -7046029254386353131
_TRIE_BITS = 5


@overload
def scala_order(keys: Iterable[str], *, made_of: int = 0) -> list[str]: ...
@overload
def scala_order(keys: Iterable[Key], hash_code: Callable[[Key], int], *, made_of: int = 0) -> list[Key]: ...
def scala_order(
    keys: Iterable[Key], hash_code: Callable[[Key], int] | None = None, *, made_of: int = 0
) -> list[Key]:
    """Sort keys as a Scala 2.13 mutable map iterates that was made of its first `made_of` keys.

    An empty map begins with 16 slots, another with as few as hold what it is made of; it grows before the
    key that would fill it to three quarters, and keys in one slot go by hash
    (`scala.collection.mutable.HashMap`).
    """
    unique = list(dict.fromkeys(keys))
    if len(unique) < 2:
        return unique
    slots = _scala_slots((made_of + 1) * 4 // 3) if made_of else 16
    for size in range(len(unique)):
        if size + 1 >= slots * 3 // 4:
            slots *= 2
    hashes = {key: _spread(hash_code(key) if hash_code else java_hash(str(key))) for key in unique}
    return sorted(unique, key=lambda key: (hashes[key] & (slots - 1), _signed(hashes[key])))


def scala_immutable_order(keys: Iterable[Key], hash_code: Callable[[Key], int]) -> list[Key]:
    """Sort keys as a Scala 2.13 immutable map iterates: up to four stay as they came, more make a trie."""
    unique = list(dict.fromkeys(keys))
    return unique if len(unique) <= 4 else scala_trie_order(unique, hash_code)


def scala_trie_order(keys: Iterable[Key], hash_code: Callable[[Key], int]) -> list[Key]:
    """Sort keys as `scala.collection.immutable.HashMap` iterates, which is also what `groupBy` makes.

    Five bits of the hash choose a branch, lowest first; a node's own keys come before those of its
    branches.
    """
    unique = list(dict.fromkeys(keys))
    if len(unique) < 2:
        return unique
    return _trie_order([(_improve(hash_code(key)), key) for key in unique], 0)


def java_order(keys: Iterable[Key], hash_code: Callable[[Key], int]) -> list[Key]:
    """Sort keys as a `java.util.HashMap` iterates that began empty: in one slot, as they came."""
    unique = list(dict.fromkeys(keys))
    slots = 16
    while len(unique) > slots * 3 // 4:
        slots *= 2
    return sorted(unique, key=lambda key: _spread(hash_code(key)) & (slots - 1))


def timeline_order(keys: Iterable[Key], hash_code: Callable[[Key], int]) -> list[Key]:
    """Sort keys as Kafka's `TimelineHashMap` iterates: by slot of few at first; in one, the latest first."""
    unique = list(dict.fromkeys(keys))
    unique.reverse()
    bits = 1
    while len(unique) * 3 > 4 << bits:
        bits += 1
    slots = {key: (_signed(hash_code(key)) * _FIBONACCI & _MASK_64) >> 64 - bits for key in unique}
    return sorted(unique, key=slots.__getitem__)


def long_map_order(numbers: Iterable[int]) -> list[int]:
    """Sort numbers, none negative, as a Scala `LongMap` iterates that took them in order and was copied."""
    return list(_copied_long_map(tuple(sorted(set(numbers)))))


def sized_long_map_order(numbers: Iterable[int]) -> list[int]:
    """Sort numbers, none negative, as a Scala `LongMap` iterates that was made for as many."""
    unique = list(dict.fromkeys(numbers))
    return _long_map(unique, _slots_for(len(unique)))


@lru_cache(maxsize=256)
def _copied_long_map(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_long_map(_long_map(numbers, 16), _slots_for(len(numbers))))


def _slots_for(count: int) -> int:
    return max(8, 1 << max(count - 1, 0).bit_length())


def properties_order(keys: Iterable[str]) -> list[str]:
    """Sort keys as a `java.util.Properties` iterates, which is a ConcurrentHashMap of 16 slots at first."""
    unique = list(dict.fromkeys(keys))
    slots = 16
    while len(unique) >= slots * 3 // 4:
        slots *= 2
    return sorted(unique, key=lambda key: _spread(java_hash(key)) & (slots - 1))


@lru_cache(maxsize=4096)
def java_hash(text: str) -> int:
    """`String.hashCode`; of UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + (high << 8 | low)) & _MASK
    return value


def partition_hash(topic: str, partition: int) -> int:
    """`TopicPartition.hashCode`."""
    return (31 * (31 + partition) + java_hash(topic)) & _MASK


def identified_partition_hash(topic_id: UUID, topic: str, partition: int) -> int:
    """`TopicIdPartition.hashCode`."""
    return (31 * (31 + uuid_hash(topic_id)) + partition_hash(topic, partition)) & _MASK


def uuid_hash(uuid: UUID) -> int:
    """`Uuid.hashCode`."""
    return long_hash((uuid.int >> 64) ^ uuid.int)


def long_hash(number: int) -> int:
    """`Long.hashCode`."""
    return (number ^ number >> 32) & _MASK


def _trie_order(hashed: list[tuple[int, Key]], shift: int) -> list[Key]:
    if shift >= 32:
        return [key for _, key in hashed]
    branches: dict[int, list[tuple[int, Key]]] = {}
    for pair in hashed:
        branches.setdefault(pair[0] >> shift & (1 << _TRIE_BITS) - 1, []).append(pair)
    sorted_branches = [branches[index] for index in sorted(branches)]
    ordered = [branch[0][1] for branch in sorted_branches if len(branch) == 1]
    for branch in sorted_branches:
        if len(branch) > 1:
            ordered += _trie_order(branch, shift + _TRIE_BITS)
    return ordered


def _scala_slots(capacity: int) -> int:
    return 1 << (max(capacity - 1, 4) * 2).bit_length() - 1


def _long_map(numbers: Iterable[int], slots: int) -> list[int]:
    """Put numbers into a `LongMap` of so many slots, and list them: 0, which has no slot, comes first."""
    numbers = list(numbers)
    table: dict[int, int] = {}
    for number in filter(None, numbers):
        _put(table, number, slots)
        if len(table) * 2 > slots - 1:
            slots *= 2
            moved, table = table, {}
            for slot in sorted(moved):
                _put(table, moved[slot], slots)
    return [0] * (0 in numbers) + [table[slot] for slot in sorted(table)]


def _put(table: dict[int, int], number: int, slots: int) -> None:
    """Put a number where its hash says; who finds the slot taken looks further, in growing steps."""
    value = _spread(long_hash(number)) * 0x85EBCA6B & _MASK
    slot = (value ^ value >> 13) & slots - 1
    attempt = 0
    while slot in table:
        attempt += 1
        slot = slot + 2 * (attempt + 1) * attempt - 3 & slots - 1
    table[slot] = number


def _spread(value: int) -> int:
    return value ^ (value >> 16)


def _improve(value: int) -> int:
    """`scala.collection.Hashing.improve`."""
    value = (value + ~(value << 9)) & _MASK
    value ^= value >> 14
    value = (value + (value << 4)) & _MASK
    return value ^ (value >> 10)


def _signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 else value
