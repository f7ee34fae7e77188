from typing import Any
from uuid import UUID

from odradek.api import offset_commit, offset_fetch
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestTopic
from tests.api.group_broker import TOPIC_ID, GroupBroker, group_broker


def request(
    *partitions: tuple[int, int], topic: str = "t", topic_id: UUID = TOPIC_ID, **fields: Any
) -> OffsetCommitRequest:
    """Commit these (partition, offset) pairs of one topic."""
    topics = [
        OffsetCommitRequestTopic(
            name=topic,
            topic_id=topic_id,
            partitions=[
                OffsetCommitRequestPartition(partition_index=index, committed_offset=offset)
                for index, offset in partitions
            ],
        )
    ]
    request = OffsetCommitRequest(group_id="g", topics=topics)
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def codes(answer: Any) -> dict[tuple[str, int], int]:
    """The code of every partition in a response that has topics."""
    return {(t.name, p.partition_index): p.error_code for t in answer.topics for p in t.partitions}


async def committed(broker: GroupBroker, version: int = 1) -> list[int]:
    """What group `g` has committed for both partitions of `t`."""
    topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])]
    answer = await broker.ask(offset_fetch, version, OffsetFetchRequest(group_id="g", topics=topics))
    return [partition.committed_offset for partition in answer.topics[0].partitions]


async def test_a_commit_without_a_group_membership_at_every_version(autojump_clock):
    async with group_broker() as broker:
        for version in range(1, 11):
            sent = request((0, version), (1, version), topic="t" if version < 10 else "")
            answer = await broker.ask(offset_commit, version, sent)
            assert [p.error_code for t in answer.topics for p in t.partitions] == [0, 0]
            assert answer.topics[0].topic_id == (TOPIC_ID if version >= 10 else UUID(int=0))
            assert await committed(broker) == [version, version]


async def test_unknown_partitions_come_first_and_do_not_keep_the_others(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(offset_commit, 8, request((0, 5), (9, 5)))
        assert codes(answer) == {("t", 9): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ("t", 0): 0}
        assert [p.partition_index for p in answer.topics[0].partitions] == [9, 0]


async def test_an_unknown_topic(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(offset_commit, 8, request((0, 5), topic="other"))
        assert codes(answer) == {("other", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


async def test_an_unknown_topic_id(autojump_clock):
    async with group_broker() as broker:
        for unknown in (UUID(int=8), UUID(int=0)):
            answer = await broker.ask(offset_commit, 10, request((0, 5), topic="", topic_id=unknown))
            assert answer.topics[0].topic_id == unknown
            assert codes(answer) == {("", 0): ErrorCode.UNKNOWN_TOPIC_ID}


async def test_a_generation_of_an_unknown_group(autojump_clock):
    async with group_broker() as broker:
        sent = request((0, 5), generation_id_or_member_epoch=1, member_id="m")
        assert codes(await broker.ask(offset_commit, 9, sent)) == {("t", 0): ErrorCode.ILLEGAL_GENERATION}


async def test_release_4_says_from_version_9_on_that_the_group_is_unknown(autojump_clock):
    async with group_broker(odradek_emulate="4.3") as broker:
        sent = request((0, 5), generation_id_or_member_epoch=1, member_id="m")
        assert codes(await broker.ask(offset_commit, 8, sent)) == {("t", 0): ErrorCode.ILLEGAL_GENERATION}
        assert codes(await broker.ask(offset_commit, 9, sent)) == {("t", 0): ErrorCode.GROUP_ID_NOT_FOUND}


async def test_the_empty_group_may_commit(autojump_clock):
    async with group_broker() as broker:
        assert codes(await broker.ask(offset_commit, 8, request((0, 5), group_id=""))) == {("t", 0): 0}


async def test_version_0_commits_to_the_tree_and_not_to_the_coordinator(autojump_clock):
    async with group_broker() as broker:
        for offset in (5, 6):
            assert codes(await broker.ask(offset_commit, 0, request((0, offset)))) == {("t", 0): 0}
        assert (await broker.store.get("/consumers/g/offsets/t/0")).data == b"6"
        assert await committed(broker) == [-1, -1]
        assert await committed(broker, version=0) == [6, -1]


async def test_version_0_measures_metadata_as_java_measures_strings(autojump_clock):
    async with group_broker(offset_metadata_max_bytes="2") as broker:
        for metadata, code in (("𝔊", ErrorCode.NONE), ("𝔊a", ErrorCode.OFFSET_METADATA_TOO_LARGE)):
            sent = request((0, 5))
            sent.topics[0].partitions[0].committed_metadata = metadata
            assert codes(await broker.ask(offset_commit, 0, sent)) == {("t", 0): code}
