"""Hash codes and orders that a JVM with Scala 2.13 printed."""

from uuid import UUID

import pytest

from odradek.metadata.hash_order import (
    identified_partition_hash,
    java_hash,
    java_order,
    long_map_order,
    partition_hash,
    scala_immutable_order,
    scala_order,
    scala_trie_order,
    sized_long_map_order,
    timeline_order,
)


def keys(text: str) -> list[str]:
    """Keys k0, k7, k14, ... by their numbers, in the order of a table."""
    return ["k" + number for number in text.split()]


def inserted(count: int) -> list[str]:
    return [f"k{7 * index}" for index in range(count)]


MUTABLE_5 = keys("28 0 21 7 14")
MUTABLE_13 = keys("0 70 84 42 63 77 21 7 35 56 14 28 49")
IMMUTABLE_5 = keys("21 0 14 7 28")
IMMUTABLE_13 = keys("21 0 77 14 7 70 56 28 49 42 63 35 84")
IMMUTABLE_30 = keys(
    "21 154 133 189 77 140 147 119 70 56 49 63 35 84 0 112 98 105 196 182 203 14 7 126 175 28 91 168 161 42"
)


@pytest.mark.parametrize(
    ("text", "code"), [("", 0), ("a", 97), ("BB", 2112), ("orders", 0xC3DF62E5), ("\U0001f600", 0x1B0D63)]
)
def test_a_string_hashes_as_in_java(text: str, code: int) -> None:
    assert java_hash(text) == code


def test_partitions_hash_as_in_java() -> None:
    topic_id = UUID(int=0x123456789ABCDEF0_FEDCBA9876543210)
    assert partition_hash("orders", 3) == 0xC3DF6703
    assert identified_partition_hash(topic_id, "orders", 3) == 0xC3DF6AC4
    assert partition_hash("", -1) == 31 * 30


@pytest.mark.parametrize("expected", [MUTABLE_5, MUTABLE_13])
def test_mutable_maps_go_by_slot(expected: list[str]) -> None:
    assert scala_order(inserted(len(expected))) == expected
    assert java_order(inserted(len(expected)), java_hash) == expected


def test_in_one_slot_scala_goes_by_hash_and_java_by_arrival() -> None:
    hashes = {"late": 0x20, "early": 0x10}
    assert scala_order(hashes, hashes.__getitem__) == ["early", "late"]
    assert java_order(hashes, hashes.__getitem__) == ["late", "early"]


@pytest.mark.parametrize("expected", [IMMUTABLE_5, IMMUTABLE_13, IMMUTABLE_30])
def test_large_immutable_maps_are_tries(expected: list[str]) -> None:
    assert scala_immutable_order(inserted(len(expected)), java_hash) == expected


def test_up_to_four_keys_of_an_immutable_map_stay_as_they_came() -> None:
    assert scala_immutable_order(inserted(4), java_hash) == inserted(4)
    assert scala_trie_order(inserted(4), java_hash) == keys("21 0 14 7")


def test_keys_that_share_a_hash_stay_as_they_came() -> None:
    assert scala_trie_order(["BB", "Aa", "c"], java_hash).index("BB") < 2
    assert [key for key in scala_trie_order(["BB", "Aa", "c"], java_hash) if key != "c"] == ["BB", "Aa"]


@pytest.mark.parametrize(
    "expected", ["0", "0 2 1", "0 2 3 1", "0 1 4 2 3", "0 5 8 2 9 1 4 6 7 3", "0 5 10 8 2 9 11 1 4 6 7 3"]
)
def test_a_long_map_begins_with_zero(expected: str) -> None:
    numbers = [int(number) for number in expected.split()]
    assert long_map_order(sorted(numbers)) == numbers


def test_timeline_maps_go_by_slot_and_the_latest_comes_first() -> None:
    assert timeline_order(inserted(3), java_hash) == keys("7 14 0")
    assert timeline_order(inserted(12), java_hash) == keys("7 49 28 77 56 35 14 0 63 42 21 70")
    assert timeline_order([0, 3, 6, 9, 12, 15, 18, 21], int) == [18, 0, 15, 12, 9, 6, 3, 21]


def test_brokers_are_told_as_three_real_ones_tell_them():
    assert sized_long_map_order([1, 0, 2]) == [0, 2, 1]
