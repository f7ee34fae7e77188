"""Which partition of an internal topic a key belongs to: Java's `String.hashCode`, as Kafka uses it.

`Utils.abs(key.hashCode) % partitions`, where abs of the smallest int is 0. Clients never compute this,
but brokers must agree on it, and so must a real Kafka that takes over our files.
"""

from __future__ import annotations

from functools import lru_cache
from struct import iter_unpack

_INT_MIN = -(2**31)


def java_hash(text: str) -> int:
    """`String.hashCode`: over UTF-16 code units, in signed 32-bit arithmetic."""
    value = 0
    for (unit,) in iter_unpack(">H", text.encode("utf-16-be", "surrogatepass")):
        value = (31 * value + unit) & 0xFFFFFFFF
    return value - 2**32 if value >= 2**31 else value


@lru_cache(maxsize=16_384)
def partition_for(key: str, partition_count: int) -> int:
    """The partition, from 0 to `partition_count` − 1, that holds `key`."""
    value = java_hash(key)
    return (0 if value == _INT_MIN else abs(value)) % partition_count
