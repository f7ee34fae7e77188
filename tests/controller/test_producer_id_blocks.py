"""Blocks of producer ids, as 3.9.2 writes them."""

from __future__ import annotations

import pytest
import trio

from odradek.controller.producer_id_blocks import allocate_producer_ids
from odradek.controller.registration import create_roots
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Set
from odradek.errors import KafkaError
from odradek.metadata import paths
from odradek.metadata.znodes import ProducerIdBlock


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
