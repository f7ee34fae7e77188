import pytest
import trio.testing

from odradek.coordination.consumer_offsets import read_consumer_offset, write_consumer_offset
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create
from odradek.errors import KafkaError
from odradek.metadata.paths import CONSUMERS
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode

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


@pytest.mark.parametrize(
    "group", ["", ".", "..", "a/../b", "/a", "a//b", "a/", "x\x01y", "x\x7f", "\ue000", "🙂"]
)
async def test_a_group_that_zookeeper_has_no_path_for_is_an_error_as_in_kafka(
    group: str, autojump_clock: trio.testing.MockClock
):
    async with EmbeddedStore() as store:
        await store.commit(Create(CONSUMERS))
        with pytest.raises(KafkaError) as refused:
            await read_consumer_offset(store, group, T0)
        assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
        with pytest.raises(KafkaError):
            await write_consumer_offset(store, group, T0, 1)


@pytest.mark.parametrize("group", ["a/b", "...", "a..b", ".a", "ä €", "x y"])
async def test_other_strange_groups_have_one(group: str, autojump_clock: trio.testing.MockClock):
    async with EmbeddedStore() as store:
        await store.commit(Create(CONSUMERS))
        await write_consumer_offset(store, group, T0, 1)
        assert await read_consumer_offset(store, group, T0) == 1
