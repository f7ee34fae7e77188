"""The expected numbers come from a JVM: `"...".hashCode()`."""

import pytest

from odradek.coordinators.partitioner import java_hash, partition_for


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("a", 97),
        ("my-group", -1906497762),
        ("polygenelubricants", -(2**31)),
        ("grün 𝔊", 425129304),
    ],
)
def test_java_hash_is_javas(text: str, expected: int):
    assert java_hash(text) == expected


def test_the_smallest_int_has_no_absolute_value():
    assert partition_for("polygenelubricants", 50) == 0


def test_a_negative_hash_counts_as_its_absolute_value():
    assert partition_for("my-group", 50) == 1906497762 % 50
