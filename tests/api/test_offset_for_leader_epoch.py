"""OffsetForLeaderEpoch: where epochs end, at every version."""

from typing import Any

import pytest

from odradek.api.offset_for_leader_epoch import api
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_for_leader_epoch_request import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from odradek.records.validation import AppendOrigin
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID, batch


async def ask(broker: DataBroker, epoch: int, version: int = 4, current_leader_epoch: int = -1) -> Any:
    asked = OffsetForLeaderPartition(0, current_leader_epoch, epoch)
    request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic("t", [asked])])
    response = await broker.ask(api, request, version)
    [answer] = response.topics[0].partitions
    return answer


@pytest.mark.parametrize("version", range(5))
async def test_epochs_end_where_the_next_begins(tmp_path, autojump_clock, version):
    async with data_broker(tmp_path) as broker:
        partition = broker.host.lead("t")
        for epoch in (0, 3):
            partition.append(batch(2), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
            broker.host.tell("t", leader_epoch=epoch + 3, partition_epoch=epoch)
        ends = [(await ask(broker, epoch, version)).end_offset for epoch in (0, 2, 3, 6, 7)]
        assert ends == [2, 2, 4, 4, -1]
        assert (await ask(broker, 5, version)).leader_epoch == (3 if version else -1)


async def test_only_the_leader_of_that_epoch_answers(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        assert (await ask(broker, 0)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        broker.host.tell("t", leader_epoch=2)
        answer = await ask(broker, 0, current_leader_epoch=1)
        assert (answer.error_code, answer.end_offset) == (ErrorCode.FENCED_LEADER_EPOCH, -1)
        assert (await ask(broker, 0, current_leader_epoch=3)).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
        broker.host.tell("t", leader=NODE_ID + 1, leader_epoch=3, replicas=(NODE_ID, NODE_ID + 1))
        assert (await ask(broker, 0)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
