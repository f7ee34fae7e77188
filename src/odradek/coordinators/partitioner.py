"""Which partition of an internal topic a key belongs to: Java's `String.hashCode`, as Kafka uses it.

`Utils.abs(key.hashCode) % partitions`, where abs of the smallest int is 0. Clients never compute this,
but brokers must agree on it, and so must a real Kafka that takes over our files.
"""

from __future__ import annotations

from functools import lru_cache

from odradek.metadata.hash_order import java_hash

_INT_MIN = 1 << 31
"""Of a hash as an unsigned number, which is what there is here."""


@lru_cache(maxsize=16_384)
def partition_for(key: str, partition_count: int) -> int:
    """The partition, from 0 to `partition_count` − 1, that holds `key`."""
    value = java_hash(key)
    if value == _INT_MIN:
        return 0
    return min(value, 2 * _INT_MIN - value) % partition_count
