"""Which task follows which partition, and for how long there is one."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import trio
import trio.testing

from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import Endpoint
from odradek.replication.fetch_state import FetchState
from odradek.replication.fetchers import Fetchers, Leader

A0, A1, B0 = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)


def leader(node_id: int, port: int = 9092) -> Leader:
    return Leader(node_id, Endpoint("localhost", port, "PLAINTEXT", "PLAINTEXT"))


class Fetcher:
    """Follows nothing; says that it runs."""

    def __init__(self, leader: Leader, number: int) -> None:
        self.leader, self.number = leader, number
        self.partitions: dict[TopicPartition, FetchState] = {}
        self.failed: set[TopicPartition] = set()
        self.is_running = False

    def add(self, states: Any) -> None:
        self.partitions |= states

    def remove(self, names: Any) -> None:
        for name in names:
            self.partitions.pop(name, None)

    async def run(self) -> None:
        self.is_running = True
        try:
            await trio.sleep_forever()
        finally:
            self.is_running = False


class Made:
    """The fetchers that were made, in order."""

    def __init__(self) -> None:
        self.all: list[Fetcher] = []

    def __call__(self, leader: Leader, number: int) -> Any:
        self.all.append(Fetcher(leader, number))
        return self.all[-1]

    def __iter__(self) -> Iterator[Fetcher]:
        return iter(self.all)


@pytest.fixture
async def made(nursery: trio.Nursery) -> Any:
    made = Made()
    made_fetchers = Fetchers(cast(Any, made), 1)
    await nursery.start(made_fetchers.run)
    return made, made_fetchers


def followed(*names: TopicPartition, by: Leader) -> dict[TopicPartition, tuple[Leader, FetchState]]:
    return {name: (by, FetchState(0, 0)) for name in names}


async def test_each_leader_has_a_task(made, autojump_clock):
    made, fetchers = made
    fetchers.follow(followed(A0, B0, by=leader(1)) | followed(A1, by=leader(2)))
    await trio.testing.wait_all_tasks_blocked()
    assert [(each.leader.node_id, set(each.partitions), each.is_running) for each in made] == [
        (1, {A0, B0}, True),
        (2, {A1}, True),
    ]


async def test_a_task_without_partitions_ends(made, autojump_clock):
    made, fetchers = made
    fetchers.follow(followed(A0, by=leader(1)))
    await trio.testing.wait_all_tasks_blocked()
    fetchers.forget([A0])
    fetchers.stop_idle()
    await trio.testing.wait_all_tasks_blocked()
    assert len(fetchers) == 0
    assert not made.all[0].is_running


async def test_a_leader_at_another_address_is_followed_there(made, autojump_clock):
    made, fetchers = made
    fetchers.follow(followed(A0, by=leader(1)))
    await trio.testing.wait_all_tasks_blocked()
    fetchers.follow(followed(A1, by=leader(1, port=9093)))
    await trio.testing.wait_all_tasks_blocked()
    assert [each.is_running for each in made] == [False, True]
    assert set(made.all[1].partitions) == {A0, A1}


async def test_partitions_are_spread_as_kafka_spreads_them(made, autojump_clock):
    """|31 * "a".hashCode() + partition| % n; "a".hashCode() is 97."""
    _, fetchers = made
    fetchers.resize(4)
    assert [fetchers.fetcher_id(name) for name in (A0, A1, B0)] == [
        (31 * 97) % 4,
        (31 * 97 + 1) % 4,
        (31 * 98) % 4,
    ]
    # A hash that is negative in Java: "polygenelubricants".hashCode() is -2147483648, and 31 times that too.
    assert fetchers.fetcher_id(TopicPartition("polygenelubricants", 0)) == 0
    assert fetchers.fetcher_id(TopicPartition("polygenelubricants", 1)) == 2147483647 % 4


async def test_another_number_of_tasks_moves_partitions_with_their_states(made, autojump_clock):
    made, fetchers = made
    states = {A0: (leader(1), FetchState(5, 2)), A1: (leader(1), FetchState(6, 2))}
    fetchers.follow(states)
    fetchers.resize(2)
    await trio.testing.wait_all_tasks_blocked()
    found = {name: (each.number, state) for each in made for name, state in each.partitions.items()}
    assert found == {
        A0: (fetchers.fetcher_id(A0), FetchState(5, 2)),
        A1: (fetchers.fetcher_id(A1), FetchState(6, 2)),
    }
    assert len({number for number, _ in found.values()}) == 2
    fetchers.resize(1)
    await trio.testing.wait_all_tasks_blocked()
    assert sum(each.is_running for each in made) == 1


async def test_what_is_followed_before_the_tasks_may_run_waits(nursery, autojump_clock):
    made = Made()
    fetchers = Fetchers(cast(Any, made), 1)
    fetchers.follow(followed(A0, by=leader(1)))
    await trio.testing.wait_all_tasks_blocked()
    assert not made.all[0].is_running
    await nursery.start(fetchers.run)
    await trio.testing.wait_all_tasks_blocked()
    assert made.all[0].is_running
