"""Rows in the order in which 3.9.2 and 4.3.0 answered; the names are those of the judge's topics."""

from uuid import UUID

import pytest

from odradek.api import row_order
from odradek.api.row_order import Row

PRODUCED = "judge-produce-several-topics-and-partitions-v{}-"
DELETED = "judge-delete-records-several-partitions-v{}-a"
MISSED = "judge-delete-records-unknown-topic-or-partition-v{}-a"
LISTED = "judge-list-offsets-several-topics-v{}-"


def rows(topic: str, *partitions: int) -> list[Row]:
    return [Row(topic, partition) for partition in partitions]


def partitions_of(ordered: list[Row], topic: str) -> list[int]:
    return [row.partition for row in ordered if row.topic == topic]


@pytest.mark.parametrize(
    ("version", "expected"),
    [(0, [1, 2, 0, 9]), (1, [9, 1, 0, 2]), (3, [0, 1, 2, 9]), (4, [2, 9, 1, 0]), (10, [9, 0, 1, 2])],
)
def test_more_than_four_produced_rows_are_one_immutable_map(version: int, expected: list[int]) -> None:
    name = PRODUCED.format(version)
    taken = rows(name + "a", 2, 0, 1) + rows(name + "b", 0)
    ordered = row_order.produced(taken, rows(name + "a", 9), [], with_ids=False)
    assert partitions_of(ordered, name + "a") == expected


def test_up_to_four_produced_rows_come_map_after_map() -> None:
    ordered = row_order.produced(rows("t", 0, 1), rows("t", 9), rows("t", 5), with_ids=False)
    assert [row.partition for row in ordered][2:] == [9, 5]


def test_a_row_that_was_taken_and_is_invalid_too_stays_where_it_was_taken() -> None:
    assert row_order.produced(rows("t", 0), rows("t", 9), rows("t", 0), with_ids=False) == rows("t", 0, 9)


def test_ids_of_topics_change_the_order_since_4_1() -> None:
    ids = [UUID(int=number << 64) for number in range(16)]
    asked = [Row("t", 0, topic_id) for topic_id in ids]
    assert row_order.produced(asked, [], [], with_ids=True) != asked
    assert set(row_order.produced(asked, [], [], with_ids=True)) == set(asked)
    assert row_order.refused(asked, with_ids=True) != row_order.refused(asked, with_ids=False) == asked


@pytest.mark.parametrize(("version", "expected"), [(0, [2, 1, 0]), (1, [0, 2, 1]), (2, [1, 0, 2])])
def test_deleted_rows_go_by_slot(version: int, expected: list[int]) -> None:
    ordered = row_order.deleted(rows(DELETED.format(version), 2, 0, 1), [])
    assert [row.partition for row in ordered] == expected


@pytest.mark.parametrize(("version", "expected"), [(0, [5, 0, -1]), (1, [-1, 0, 5]), (2, [0, -1, 5])])
def test_rows_that_do_not_exist_share_the_table_of_those_deleted(version: int, expected: list[int]) -> None:
    ordered = row_order.deleted(rows(MISSED.format(version), 0), rows(MISSED.format(version), 5, -1))
    assert [row.partition for row in ordered] == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, [("a", 0), ("a", 1), ("b", 0), ("b", 3)]),
        (2, [("a", 1), ("a", 0), ("b", 3), ("b", 0)]),
        (8, [("b", 0), ("b", 3), ("a", 1), ("a", 0)]),
    ],
)
def test_listed_rows_are_grouped_by_topic(version: int, expected: list[tuple[str, int]]) -> None:
    name = LISTED.format(version)
    ordered = row_order.listed(rows(name + "a", 1, 0) + rows(name + "b", 0, 3))
    assert [(row.topic[-1], row.partition) for row in ordered] == expected
