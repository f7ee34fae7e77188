from typing import Any
from uuid import UUID

import pytest

from odradek.api import offset_commit, offset_fetch
from odradek.api.api import NeverAnswered
from odradek.metadata.hash_order import partition_hash, scala_trie_order
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_fetch_request import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from tests.api.group_broker import TOPIC_ID, group_broker
from tests.api.test_offset_commit import request as commit


def of_one_group(*partitions: int) -> OffsetFetchRequest:
    topics = [OffsetFetchRequestTopic(name="t", partition_indexes=list(partitions))]
    return OffsetFetchRequest(group_id="g", topics=topics)


def of_groups(*groups: OffsetFetchRequestGroup) -> OffsetFetchRequest:
    return OffsetFetchRequest(groups=list(groups))


def shown(topics: Any) -> dict[tuple[str, int], tuple[int, int]]:
    """(offset, error code) by (topic, partition)."""
    return {
        (t.name, p.partition_index): (p.committed_offset, p.error_code) for t in topics for p in t.partitions
    }


async def test_what_was_committed_at_every_version_that_asks_for_one_group(autojump_clock):
    async with group_broker() as broker:
        await broker.ask(offset_commit, 8, commit((1, 42)))
        for version in range(1, 8):
            answer = await broker.ask(offset_fetch, version, of_one_group(0, 1))
            assert shown(answer.topics) == {("t", 0): (-1, 0), ("t", 1): (42, 0)}
            assert answer.error_code == 0
            assert answer.topics[0].partitions[0].metadata == ""
            assert answer.topics[0].partitions[0].committed_leader_epoch == -1


async def test_what_was_committed_at_every_version_that_asks_for_many_groups(autojump_clock):
    async with group_broker() as broker:
        await broker.ask(offset_commit, 8, commit((1, 42)))
        for version in (8, 9, 10):
            topic = OffsetFetchRequestTopics(name="t" if version < 10 else "", partition_indexes=[0, 1])
            if version == 10:
                topic.topic_id = TOPIC_ID
            groups = [OffsetFetchRequestGroup(group_id=name, topics=[topic]) for name in ("g", "none")]
            answer = await broker.ask(offset_fetch, version, of_groups(*groups))
            name = "t" if version < 10 else ""
            assert [shown(group.topics) for group in answer.groups] == [
                {(name, 0): (-1, 0), (name, 1): (42, 0)},
                {(name, 0): (-1, 0), (name, 1): (-1, 0)},
            ]
            assert answer.groups[0].topics[0].topic_id == (TOPIC_ID if version == 10 else UUID(int=0))


async def test_no_topics_are_all_topics(autojump_clock):
    async with group_broker() as broker:
        await broker.ask(offset_commit, 8, commit((1, 42)))
        answer = await broker.ask(offset_fetch, 2, OffsetFetchRequest(group_id="g", topics=None))
        assert shown(answer.topics) == {("t", 1): (42, 0)}
        groups = [OffsetFetchRequestGroup(group_id=name, topics=None) for name in ("g", "none")]
        answer = await broker.ask(offset_fetch, 8, of_groups(*groups))
        assert [shown(group.topics) for group in answer.groups] == [{("t", 1): (42, 0)}, {}]


async def test_a_topic_without_a_name_is_like_any_without_offsets(autojump_clock):
    async with group_broker() as broker:
        topics = [OffsetFetchRequestTopic(name="", partition_indexes=[0])]
        answer = await broker.ask(offset_fetch, 2, OffsetFetchRequest(group_id="g", topics=topics))
        assert shown(answer.topics) == {("", 0): (-1, 0)}


async def test_an_unknown_topic_id(autojump_clock):
    async with group_broker() as broker:
        topic = OffsetFetchRequestTopics(topic_id=UUID(int=8), partition_indexes=[0])
        groups = of_groups(OffsetFetchRequestGroup(group_id="g", topics=[topic]))
        answer = await broker.ask(offset_fetch, 10, groups)
        assert shown(answer.groups[0].topics) == {("", 0): (-1, ErrorCode.UNKNOWN_TOPIC_ID)}
        assert answer.groups[0].topics[0].topic_id == UUID(int=8)


async def test_version_0_does_not_know_partitions_without_an_offset(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(offset_fetch, 0, of_one_group(0))
        assert shown(answer.topics) == {("t", 0): (-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)}


async def test_where_an_error_of_the_whole_group_stands(autojump_clock):
    async with group_broker() as broker:
        broker.groups.on_resigned(TopicPartition(GROUP_METADATA_TOPIC, 0))
        code = ErrorCode.NOT_COORDINATOR
        answer = await broker.ask(offset_fetch, 1, of_one_group(0))
        assert shown(answer.topics) == {("t", 0): (-1, code)}
        answer = await broker.ask(offset_fetch, 2, of_one_group(0))
        assert (answer.error_code, answer.topics) == (code, [])
        answer = await broker.ask(offset_fetch, 8, of_groups(OffsetFetchRequestGroup(group_id="g")))
        assert (answer.groups[0].error_code, answer.groups[0].topics) == (code, [])


async def test_the_order_is_that_of_kafkas_maps(autojump_clock):
    numbers = [0, 3, 6, 9, 12]
    async with group_broker() as broker:
        broker.has_topic("t", 20)
        await broker.ask(offset_commit, 8, commit(*((number, 1) for number in numbers)))
        asked = await broker.ask(offset_fetch, 5, of_one_group(*numbers))
        everything = await broker.ask(offset_fetch, 5, OffsetFetchRequest(group_id="g", topics=None))
    order = scala_trie_order(numbers, lambda number: partition_hash("t", number))
    assert [row.partition_index for row in asked.topics[0].partitions] == order
    assert [row.partition_index for row in everything.topics[0].partitions] == order
    async with group_broker(odradek_emulate="4.3") as broker:
        broker.has_topic("t", 20)
        await broker.ask(offset_commit, 8, commit(*((number, 1) for number in numbers)))
        asked = await broker.ask(offset_fetch, 5, of_one_group(*numbers))
        everything = await broker.ask(offset_fetch, 5, OffsetFetchRequest(group_id="g", topics=None))
    assert [row.partition_index for row in asked.topics[0].partitions] == numbers
    assert [row.partition_index for row in everything.topics[0].partitions] == [0, 12, 9, 6, 3]


async def test_no_groups_are_not_answered_before_release_4(autojump_clock):
    async with group_broker() as broker:
        with pytest.raises(NeverAnswered):
            await broker.ask(offset_fetch, 8, of_groups())
    async with group_broker(odradek_emulate="4.3") as broker:
        assert (await broker.ask(offset_fetch, 8, of_groups())).groups == []


async def test_version_0_finds_no_group_without_a_name(autojump_clock):
    async with group_broker() as broker:
        topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0, 99])]
        answer = await broker.ask(offset_fetch, 0, OffsetFetchRequest(group_id="", topics=topics))
        errors = {row.partition_index: row.error_code for row in answer.topics[0].partitions}
    assert errors == {0: ErrorCode.UNKNOWN_SERVER_ERROR, 99: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}
