"""When a broker whose logs may have lost something may register again."""

import trio

from odradek.broker.unclean_return import wait_until_replaced
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create, Delete, Set
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr

MINE = TopicPartition("orders", 0)
STATE = paths.partition_state(MINE)


def state(leader: int, *isr: int) -> bytes:
    return LeaderAndIsr(leader, 1, isr, 1).encode()


async def tree(registered: list[int], data: bytes) -> EmbeddedStore:
    """A store with these brokers and one partition."""
    store = EmbeddedStore()
    parts = STATE.split("/")[1:]
    above = ["/" + "/".join(parts[:depth]) for depth in range(1, len(parts))]
    await store.commit(*(Create(path, b"") for path in above), Create(paths.BROKER_IDS, b""))
    await store.commit(*(Create(paths.broker_id(node_id), b"") for node_id in registered))
    await store.commit(Create(STATE, data))
    return store


async def waits(store: EmbeddedStore) -> bool:
    with trio.move_on_after(5) as waiting:
        await wait_until_replaced(store, 1, [MINE])
    return waiting.cancelled_caught


async def test_it_waits_for_another_to_lead_in_its_place(autojump_clock: object) -> None:
    store = await tree([2], state(1, 1, 2))
    assert await waits(store)
    await store.commit(Set(STATE, state(2, 2)))
    assert not await waits(store)


async def test_it_waits_to_be_taken_out_of_the_isr(autojump_clock: object) -> None:
    assert await waits(await tree([2], state(2, 2, 1)))


async def test_it_waits_until_its_earlier_registration_is_gone(autojump_clock: object) -> None:
    store = await tree([1, 2], state(2, 2))
    assert await waits(store)
    await store.commit(Delete(paths.broker_id(1)))
    assert not await waits(store)


async def test_it_does_not_wait_where_nobody_else_is_in_sync(autojump_clock: object) -> None:
    assert not await waits(await tree([2, 3], state(1, 1)))


async def test_it_does_not_wait_for_brokers_that_are_gone_too(autojump_clock: object) -> None:
    assert not await waits(await tree([3], state(1, 1, 2)))


async def test_it_does_not_wait_for_a_topic_that_is_to_be_deleted(autojump_clock: object) -> None:
    store = await tree([2], state(2, 2, 1))
    await store.commit(*(Create(path) for path in paths.with_parents(paths.delete_topic(MINE.topic))))
    assert not await waits(store)


async def test_it_does_not_wait_where_nobody_is(autojump_clock: object) -> None:
    assert not await waits(await tree([], state(1, 1, 2)))


async def test_it_does_not_wait_for_ever(autojump_clock: object) -> None:
    store = await tree([2], state(2, 2, 1))
    with trio.fail_after(100):
        await wait_until_replaced(store, 1, [MINE])
