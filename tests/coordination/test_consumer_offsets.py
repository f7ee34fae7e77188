import trio.testing

from odradek.coordination.consumer_offsets import read_consumer_offset, write_consumer_offset
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create
from odradek.metadata.paths import CONSUMERS
from odradek.metadata.topic_partition import TopicPartition

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


async def test_an_offset_is_a_decimal_number_in_kafkas_place(autojump_clock: trio.testing.MockClock):
    async with EmbeddedStore() as store:
        await store.commit(Create(CONSUMERS))
        assert await read_consumer_offset(store, "g", T0) is None
        for offset in (5, 6):
            await write_consumer_offset(store, "g", T0, offset)
            assert await read_consumer_offset(store, "g", T0) == offset
        assert (await store.get("/consumers/g/offsets/t/0")).data == b"6"


async def test_offsets_of_one_topic_live_side_by_side(autojump_clock: trio.testing.MockClock):
    async with EmbeddedStore() as store:
        await store.commit(Create(CONSUMERS))
        await write_consumer_offset(store, "g", T0, 1)
        await write_consumer_offset(store, "g", T1, 2)
        assert await store.children("/consumers/g/offsets/t") == {"0", "1"}
