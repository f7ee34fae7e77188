"""Blocks of producer ids, as 3.9.2 writes them."""

from __future__ import annotations

import pytest
import trio

from odradek.controller.producer_id_blocks import allocate_producer_ids, ask_for_producer_ids
from odradek.controller.registration import create_roots
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Set
from odradek.errors import KafkaError
from odradek.metadata import paths
from odradek.metadata.znodes import ProducerIdBlock
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.allocate_producer_ids_request import AllocateProducerIdsRequest
from odradek.protocol.generated.allocate_producer_ids_response import AllocateProducerIdsResponse
from odradek.protocol.message import Message


async def test_blocks_follow_each_other(autojump_clock):
    async with EmbeddedStore() as store:
        await create_roots(store)
        assert await allocate_producer_ids(store, 0) == ProducerIdBlock(0, 0, 999)
        assert (await store.get(paths.PRODUCER_ID_BLOCK)).data == (
            b'{"version":1,"broker":0,"block_start":"0","block_end":"999"}'
        )
        assert await allocate_producer_ids(store, 5) == ProducerIdBlock(5, 1000, 1999)


async def test_racing_brokers_get_different_blocks(autojump_clock):
    blocks: list[ProducerIdBlock] = []

    async def take(store: EmbeddedStore, node_id: int) -> None:
        blocks.append(await allocate_producer_ids(store, node_id))

    async with EmbeddedStore() as store:
        await create_roots(store)
        async with trio.open_nursery() as nursery:
            for node_id in range(10):
                nursery.start_soon(take, store, node_id)
    assert sorted(block.first for block in blocks) == list(range(0, 10_000, 1000))


async def test_ids_do_run_out(autojump_clock):
    async with EmbeddedStore() as store:
        await create_roots(store)
        last = ProducerIdBlock(0, 2**63 - 1000, 2**63 - 1)
        await store.commit(Set(paths.PRODUCER_ID_BLOCK, last.encode()))
        with pytest.raises(KafkaError, match="exhausted"):
            await allocate_producer_ids(store, 0)


class Controller:
    """The way to a controller that answers this, or nothing."""

    def __init__(self, answer: AllocateProducerIdsResponse | None) -> None:
        self._answer = answer
        self.asked: list[tuple[Message, int]] = []

    async def call(self, request: Message, version: int) -> AllocateProducerIdsResponse:
        self.asked.append((request, version))
        if self._answer is None:
            await trio.sleep_forever()
        assert self._answer is not None
        return self._answer


async def test_the_controller_gives_blocks_to_other_brokers(autojump_clock):
    controller = Controller(AllocateProducerIdsResponse(producer_id_start=3000, producer_id_len=1000))
    assert await ask_for_producer_ids(controller, 2, 77) == ProducerIdBlock(2, 3000, 3999)
    assert controller.asked == [(AllocateProducerIdsRequest(2, 77), 0)]


@pytest.mark.parametrize("answer", [None, AllocateProducerIdsResponse(error_code=77)])
async def test_without_a_block_producers_are_told_to_try_again(autojump_clock, answer):
    with pytest.raises(KafkaError) as refused:
        await ask_for_producer_ids(Controller(answer), 2, 77)
    assert refused.value.code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
