"""ListOffsets: beginnings, ends and times, as far as each version and isolation level may see."""

from typing import Any

import pytest

from odradek.api.list_offsets import api
from odradek.config.log_config import LogConfig
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.records.validation import AppendOrigin
from odradek.replication.partition import Partition
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID, batch

OTHER = NODE_ID + 1
BOTH = (NODE_ID, OTHER)
LAST = api.versions.last


async def ask(broker: DataBroker, timestamp: int, version: int = LAST, **fields: Any) -> Any:
    """The answer for the one partition."""
    asked = ListOffsetsPartition(
        timestamp=timestamp,
        current_leader_epoch=fields.pop("current_leader_epoch", -1),
        max_num_offsets=fields.pop("max_num_offsets", 1),
    )
    fields.setdefault("replica_id", -1)
    request = ListOffsetsRequest(topics=[ListOffsetsTopic("t", [asked])], **fields)
    response = await broker.ask(api, request, version)
    [answer] = response.topics[0].partitions
    return answer


def append(partition: Partition, *timestamps: int) -> None:
    batch_ = build_batch([Record(i, timestamp, None, b"v") for i, timestamp in enumerate(timestamps)])
    partition.append(batch_, required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)


def found(answer: Any) -> tuple[int, int, int]:
    assert answer.error_code == 0
    return answer.timestamp, answer.offset, answer.leader_epoch


@pytest.mark.parametrize("version", range(1, LAST + 1))
async def test_beginning_end_and_a_time(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", leader_epoch=6)
        partition = broker.host.replicas.hosted("t", 0)
        append(partition, 100, 300, 200)
        append(partition, 400)
        partition.delete_records(1)
        epoch = 6 if version >= 4 else -1
        assert found(await ask(broker, -2, version)) == (-1, 1, epoch)
        assert found(await ask(broker, -1, version)) == (-1, 4, epoch)
        assert found(await ask(broker, 250, version)) == (300, 1, epoch)
        assert found(await ask(broker, 301, version)) == (400, 3, epoch)
        assert found(await ask(broker, 401, version)) == (-1, -1, -1)


async def test_an_empty_log(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.lead("t")
        assert found(await ask(broker, -2)) == (-1, 0, 0)
        assert found(await ask(broker, -1)) == (-1, 0, 0)
        assert found(await ask(broker, -3)) == (-1, -1, -1)
        assert found(await ask(broker, 0)) == (-1, -1, -1)


async def test_the_largest_timestamp(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, 100, 900, 200)
        append(partition, 900)
        assert found(await ask(broker, -3)) == (900, 1, 0)


async def test_tiers_that_do_not_exist(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        append(partition, 100, 200)
        partition.delete_records(1)
        assert found(await ask(broker, -4)) == (-1, 1, 0)
        assert found(await ask(broker, -5)) == (-1, -1, -1)
        assert found(await ask(broker, -6)) == (-1, -1, -1)


@pytest.mark.parametrize(
    ("timestamp", "first_version"), [(-3, 7), (-4, 8), (-5, 9), (-6, 11), (-7, LAST + 1)]
)
async def test_special_timestamps_need_their_version(tmp_path, autojump_clock, timestamp, first_version):
    async with data_broker(tmp_path) as broker:
        broker.host.lead("t")
        for version in range(1, LAST + 1):
            answer = await ask(broker, timestamp, version)
            assert answer.error_code == (0 if version >= first_version else ErrorCode.UNSUPPORTED_VERSION)


async def test_isolation_is_the_end(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        append(partition, 1)
        partition.append(
            batch(2, producer_id=7, producer_epoch=0, base_sequence=0, is_transactional=True),
            required_acks=1,
            origin=AppendOrigin.COORDINATOR,
            now_ms=0,
        )
        append(partition, 4)
        partition.record_follower_fetch(OTHER, 3)
        assert (await ask(broker, -1, isolation_level=1)).offset == 1
        assert (await ask(broker, -1, isolation_level=0)).offset == 3
        assert (await ask(broker, -1, replica_id=OTHER)).offset == 4
        assert (await ask(broker, -1, replica_id=-2)).offset == 4
        assert (await ask(broker, 2, isolation_level=1)).offset == -1


async def test_a_new_leader_does_not_know_the_end_yet(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        append(broker.host.replicas.hosted("t", 0), 1, 2)
        broker.host.tell("t", leader_epoch=1, isr=BOTH, replicas=BOTH, partition_epoch=1)
        assert (await ask(broker, -1, 5)).error_code == ErrorCode.OFFSET_NOT_AVAILABLE
        assert (await ask(broker, -1, 4)).error_code == ErrorCode.LEADER_NOT_AVAILABLE
        assert (await ask(broker, 1)).error_code == ErrorCode.OFFSET_NOT_AVAILABLE
        assert (await ask(broker, -2)).error_code == 0
        assert (await ask(broker, -1, replica_id=OTHER)).offset == 2


async def test_leaders_and_epochs_are_checked(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        assert (await ask(broker, -1)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        broker.host.tell("t", leader_epoch=2)
        assert (await ask(broker, -1, current_leader_epoch=1)).error_code == ErrorCode.FENCED_LEADER_EPOCH
        assert (await ask(broker, -1, current_leader_epoch=3)).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
        broker.host.tell("t", leader=OTHER, leader_epoch=3, replicas=BOTH)
        assert (await ask(broker, -1)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (await ask(broker, -2, replica_id=-2)).error_code == 0


@pytest.mark.parametrize(("release", "count"), [("3.9", 2), ("4.3", 1)])
async def test_a_partition_named_twice_is_refused(tmp_path, autojump_clock, release, count):
    async with data_broker(tmp_path, odradek_emulate=release) as broker:
        broker.host.lead("t")
        asked = [ListOffsetsPartition(timestamp=-1), ListOffsetsPartition(timestamp=-2)]
        request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic("t", asked)])
        response = await broker.ask(api, request, LAST)
        answers = response.topics[0].partitions
        assert [(answer.error_code, answer.offset) for answer in answers] == [
            (ErrorCode.INVALID_REQUEST, -1)
        ] * count


async def test_version_0_lists_where_segments_begin(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t", config=LogConfig(segment_bytes=100))
        for timestamp in range(3):
            append(partition, timestamp)
        assert (await ask(broker, -1, 0, max_num_offsets=10)).old_style_offsets == [3, 2, 1, 0]
        assert (await ask(broker, -1, 0, max_num_offsets=1)).old_style_offsets == [3]
        assert (await ask(broker, -2, 0, max_num_offsets=10)).old_style_offsets == [0]
        assert (await ask(broker, 0, 0, max_num_offsets=10)).old_style_offsets == []
        assert (await ask(broker, -3, 0)).error_code == ErrorCode.UNSUPPORTED_VERSION


async def test_an_unknown_isolation_level_is_refused(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), 1)
        assert (await ask(broker, -1, isolation_level=2)).error_code == ErrorCode.UNKNOWN_SERVER_ERROR


async def test_version_0_cannot_list_less_than_no_offsets(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        append(broker.host.lead("t"), 1)
        answer = await ask(broker, -1, version=0, max_num_offsets=-1)
        assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize(
    ("release", "expected"),
    [("3.9", [("a", [1, 0]), ("b", [0, 3]), ("c", [])]), ("4.3", [("b", [0, 3]), ("a", [1, 0])])],
)
async def test_since_4_0_rows_come_in_the_order_of_a_map(tmp_path, autojump_clock, release, expected):
    name = "judge-list-offsets-several-topics-v8-"
    asked = {"a": (1, 0), "b": (0, 3), "c": ()}
    topics = [
        ListOffsetsTopic(name + topic, [ListOffsetsPartition(index, timestamp=-1) for index in partitions])
        for topic, partitions in asked.items()
    ]
    async with data_broker(tmp_path, odradek_emulate=release) as broker:
        response = await broker.ask(api, ListOffsetsRequest(replica_id=-1, topics=topics), 8)
        assert [
            (topic.name[-1], [answer.partition_index for answer in topic.partitions])
            for topic in response.topics
        ] == expected
