"""DescribeProducers: what every replica knows of producers; fields, orders and errors are the judge's."""

from typing import Any

from odradek.api.describe_producers import api
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_producers_request import DescribeProducersRequest, TopicRequest
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.records.validation import AppendOrigin
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID


async def ask(broker: DataBroker, topic: str = "t") -> Any:
    request = DescribeProducersRequest(topics=[TopicRequest(topic, [0])])
    [answer] = (await broker.ask(api, request, 0)).topics[0].partitions
    return answer


async def test_the_last_batch_of_each_producer_is_told(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        assert (await ask(broker)).active_producers == []
        for sequence, records in ((0, 1), (1, 3)):
            batch = build_batch(
                [Record(index, 1000 + sequence, None, b"v") for index in range(records)],
                producer_id=17,
                producer_epoch=2,
                base_sequence=sequence,
            )
            partition.append(batch, required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        [state] = (await ask(broker)).active_producers
        told = (state.producer_id, state.producer_epoch, state.last_sequence, state.last_timestamp)
        assert told == (17, 2, 3, 1001)
        assert (state.coordinator_epoch, state.current_txn_start_offset) == (-1, -1)


async def test_a_transaction_that_is_open_is_told_by_its_first_offset(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        for sequence in range(2):
            batch = build_batch(
                [Record(0, 1000, None, b"v")],
                producer_id=17,
                producer_epoch=0,
                base_sequence=sequence,
                is_transactional=sequence == 1,
            )
            partition.append(batch, required_acks=1, origin=AppendOrigin.REPLICATION, now_ms=0)
        [state] = (await ask(broker)).active_producers
        assert state.current_txn_start_offset == 1


async def test_followers_answer_too_and_others_do_not(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        assert (await ask(broker)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert (await ask(broker, "a b")).error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        broker.host.tell("t", leader=NODE_ID + 1, replicas=(NODE_ID, NODE_ID + 1))
        assert (await ask(broker)).error_code == ErrorCode.NONE
        broker.host.tell("elsewhere", leader=NODE_ID + 1, replicas=(NODE_ID + 1,))
        assert (await ask(broker, "elsewhere")).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
