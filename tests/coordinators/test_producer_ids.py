"""Producer ids come one after the other, block after block, and never twice."""

import trio

from odradek.coordinators.producer_ids import ProducerIds
from odradek.metadata.znodes import ProducerIdBlock


class Cluster:
    """Gives blocks of three, after a while."""

    def __init__(self) -> None:
        self.allocated = 0

    async def allocate(self) -> ProducerIdBlock:
        first = self.allocated * 10
        self.allocated += 1
        await trio.lowlevel.checkpoint()
        return ProducerIdBlock(0, first, first + 2)


async def test_ids_follow_each_other_through_the_blocks() -> None:
    cluster = Cluster()
    ids = ProducerIds(cluster.allocate)
    assert [await ids.next_id() for _ in range(7)] == [0, 1, 2, 10, 11, 12, 20]
    assert cluster.allocated == 3


async def test_those_who_ask_at_once_share_a_block() -> None:
    cluster = Cluster()
    ids = ProducerIds(cluster.allocate)
    given: list[int] = []

    async def ask() -> None:
        given.append(await ids.next_id())

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(ask)
    assert sorted(given) == [0, 1, 2, 10]
    assert cluster.allocated == 2
