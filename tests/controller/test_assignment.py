"""Replica assignment, against `AdminUtils.assignReplicasToBrokers` of Kafka 3.9.2.

Kafka was asked with a fixed start, which is where the leader and the shift begin alike.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.controller.assignment import Start, assign, by_alternating_racks
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

FIVE = [None] * 5
SIX = ["r1", "r3", "r3", "r2", "r2", "r1"]


@pytest.mark.parametrize(
    ("racks", "count", "factor", "start", "first", "expected"),
    [
        (FIVE, 7, 2, 3, 4, [[20, 10], [30, 40], [40, 0], [0, 10], [10, 20], [20, 30], [30, 0]]),
        ([None], 3, 1, 0, 0, [[0], [0], [0]]),
        ([None, None], 5, 2, 1, 0, [[10, 0], [0, 10], [10, 0], [0, 10], [10, 0]]),
        (
            FIVE, 12, 3, 0, 0,
            [[0, 10, 20], [10, 20, 30], [20, 30, 40], [30, 40, 0], [40, 0, 10], [0, 20, 30], [10, 30, 40],
             [20, 40, 0], [30, 0, 10], [40, 10, 20], [0, 30, 40], [10, 40, 0]],
        ),
        (
            SIX, 9, 3, 0, 0,
            [[0, 30, 10], [30, 10, 50], [10, 50, 40], [50, 40, 20], [40, 20, 0], [20, 0, 30], [0, 40, 20],
             [30, 20, 0], [10, 0, 30]],
        ),
        (
            SIX, 8, 2, 2, 5,
            [[30, 50], [10, 30], [50, 10], [40, 50], [20, 40], [0, 20], [30, 0], [10, 0]],
        ),
        (
            SIX, 4, 5, 1, 0,
            [[30, 20, 0, 10, 50], [10, 0, 30, 50, 40], [50, 30, 10, 40, 20], [40, 10, 50, 20, 0]],
        ),
        (["a", "a", "b"], 6, 2, 0, 0, [[0, 20], [20, 10], [10, 20], [0, 20], [20, 10], [10, 20]]),
        (
            ["a", "a", "a", "b"], 6, 3, 2, 1,
            [[20, 30, 10], [0, 30, 10], [30, 20, 0], [10, 30, 20], [20, 30, 10], [0, 30, 10]],
        ),
    ],
)  # fmt: skip
def test_partitions_go_where_kafka_puts_them(racks, count, factor, start, first, expected):
    brokers = {number * 10: rack for number, rack in enumerate(racks)}
    assignment = assign(brokers, count, factor, Start(start, start), first_partition=first)
    assert [list(assignment[number]) for number in range(first, first + count)] == expected


def test_brokers_alternate_by_rack():
    racks = {0: "rack1", 1: "rack3", 2: "rack3", 3: "rack2", 4: "rack2", 5: "rack1"}
    assert by_alternating_racks(racks) == [0, 3, 1, 5, 4, 2]


@given(
    st.dictionaries(st.integers(0, 50), st.sampled_from("abc"), min_size=1, max_size=9),
    st.integers(1, 40),
    st.integers(0, 8),
    st.integers(0, 8),
    st.data(),
)
def test_replicas_are_distinct_and_over_as_many_racks_as_there_can_be(racks, count, leader, shift, data):
    factor = data.draw(st.integers(1, len(racks)))
    for replicas in assign(racks, count, factor, Start(leader, shift)).values():
        assert len(set(replicas)) == factor
        assert len({racks[node] for node in replicas}) == min(factor, len(set(racks.values())))


@pytest.mark.parametrize(
    ("racks", "count", "factor", "code", "message"),
    [
        ({0: None}, 0, 1, ErrorCode.INVALID_PARTITIONS, "Number of partitions must be larger than 0."),
        ({0: None}, 1, 0, ErrorCode.INVALID_REPLICATION_FACTOR, "Replication factor must be larger than 0."),
        (
            {0: None}, 1, 2, ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor: 2 larger than available brokers: 1.",
        ),
        ({0: "a", 1: None}, 1, 1, ErrorCode.UNKNOWN_SERVER_ERROR, None),
    ],
)  # fmt: skip
def test_what_cannot_be_assigned(racks, count, factor, code, message):
    with pytest.raises(KafkaError) as refused:
        assign(racks, count, factor, Start(0, 0))
    assert (refused.value.code, refused.value.message) == (code, message)
