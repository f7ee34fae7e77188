"""DeleteRecords: low watermarks and refusals, at every version."""

from typing import Any

import pytest
import trio

from odradek.api.delete_records import api
from odradek.config.log_config import LogConfig
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_records_request import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from odradek.records.validation import AppendOrigin
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID, batch


async def delete(broker: DataBroker, offset: int, version: int = 2, topic: str = "t") -> Any:
    request = DeleteRecordsRequest([DeleteRecordsTopic(topic, [DeleteRecordsPartition(0, offset)])], 1000)
    response = await broker.ask(api, request, version)
    [answer] = response.topics[0].partitions
    return answer


@pytest.mark.parametrize("version", range(3))
async def test_records_are_deleted(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        assert (await delete(broker, 2, version)).low_watermark == 2
        assert (await delete(broker, -1, version)).low_watermark == 5
        assert partition.log_start_offset == 5


async def test_refusals(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        answer = await delete(broker, 0)
        assert (answer.error_code, answer.low_watermark) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)
        broker.host.lead("__consumer_offsets")
        answer = await delete(broker, 0, topic="__consumer_offsets")
        assert answer.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        broker.host.lead("t")
        assert (await delete(broker, 1)).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
        broker.host.lead("c", config=LogConfig(cleanup_policy=frozenset({"compact"})))
        assert (await delete(broker, 0, topic="c")).error_code == ErrorCode.POLICY_VIOLATION
        broker.host.announce("e", leader=NODE_ID + 1)
        assert (await delete(broker, 0, topic="e")).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_of_a_partition_named_twice_the_last_counts(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        asked = [DeleteRecordsPartition(0, 9), DeleteRecordsPartition(0, 3)]
        response = await broker.ask(api, DeleteRecordsRequest([DeleteRecordsTopic("t", asked)], 1000), 2)
        assert [answer.low_watermark for answer in response.topics[0].partitions] == [3]


async def test_rows_come_in_the_order_of_a_map(tmp_path, autojump_clock):
    """As 3.9.2 and 4.3.0 answered."""
    name = "judge-delete-records-unknown-topic-or-partition-v1-a"
    async with data_broker(tmp_path) as broker:
        broker.host.lead(name)
        asked = [DeleteRecordsPartition(index, 0) for index in (5, 0, -1)]
        request = DeleteRecordsRequest([DeleteRecordsTopic(name, asked)])
        response = await broker.ask(api, request, 1)
        assert [(answer.partition_index, answer.error_code) for answer in response.topics[0].partitions] == [
            (-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            (0, 0),
            (5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ]


FOLLOWER = NODE_ID + 1
BOTH = (NODE_ID, FOLLOWER)


async def test_the_answer_waits_for_followers_to_delete_too(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        partition.record_follower_fetch(FOLLOWER, 5, log_start_offset=0)

        async def follow() -> None:
            await trio.sleep(0.4)
            partition.record_follower_fetch(FOLLOWER, 5, log_start_offset=3)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            answer = await delete(broker, 3)
        assert (answer.error_code, answer.low_watermark) == (ErrorCode.NONE, 3)
        assert trio.current_time() == pytest.approx(0.4, abs=0.1)


async def test_a_follower_that_does_not_delete_is_not_waited_for_long(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        partition.record_follower_fetch(FOLLOWER, 5, log_start_offset=1)
        answer = await delete(broker, -1)
        assert (answer.error_code, answer.low_watermark) == (ErrorCode.REQUEST_TIMED_OUT, 1)
        assert trio.current_time() == pytest.approx(1, abs=0.1)


async def test_a_leader_that_resigns_while_records_are_deleted(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        broker.host.tell("t", isr=BOTH, replicas=BOTH)
        partition = broker.host.replicas.hosted("t", 0)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        partition.record_follower_fetch(FOLLOWER, 5)

        async def resign() -> None:
            await trio.sleep(0.4)
            broker.host.tell("t", leader=FOLLOWER, leader_epoch=1, isr=BOTH, replicas=BOTH)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(resign)
            answer = await delete(broker, 3)
        assert (answer.error_code, answer.low_watermark) == (ErrorCode.NOT_LEADER_OR_FOLLOWER, -1)
