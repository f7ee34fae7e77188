"""The expected numbers come from a JVM: `"...".hashCode()`."""

import pytest

from odradek.coordinators.partitioner import partition_for


@pytest.mark.parametrize(
    ("key", "hash_code"), [("", 0), ("a", 97), ("my-group", -1906497762), ("grün 𝔊", 425129304)]
)
def test_a_hash_counts_as_its_absolute_value(key: str, hash_code: int):
    for partition_count in (1, 50, 2**31 - 1):
        assert partition_for(key, partition_count) == abs(hash_code) % partition_count


def test_the_smallest_int_has_no_absolute_value():
    assert partition_for("polygenelubricants", 50) == 0
