"""Times that are looked for in many partitions at once: others have turns meanwhile."""

import inspect

import pytest

from odradek.api.list_offsets import api
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from tests.api.data_broker import data_broker
from tests.api.test_list_offsets import LAST, append

PARTITIONS = 12


@pytest.mark.parametrize(("timestamp", "expected"), [(250, (300, 1)), (-3, (300, 1))])
async def test_many_partitions_are_searched_one_after_the_other(
    tmp_path, autojump_clock, timestamp, expected
):
    async with data_broker(tmp_path) as broker:
        partitions = [broker.host.lead("t", index) for index in range(PARTITIONS)]
        for partition in partitions:
            append(partition, 100, 300, 200)
        asked = [ListOffsetsPartition(index, timestamp=timestamp) for index in range(PARTITIONS + 1)]
        request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic("t", asked)])
        started = api.handle(request, broker.context(api, LAST))
        assert inspect.isawaitable(started)
        response = await started
        *answers, unknown = response.topics[0].partitions
        assert [(answer.timestamp, answer.offset) for answer in answers] == [expected] * PARTITIONS
        assert [answer.error_code for answer in answers] == [0] * PARTITIONS
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


async def test_ends_are_told_at_once(tmp_path, autojump_clock):
    async with data_broker(tmp_path) as broker:
        asked = [ListOffsetsPartition(index, timestamp=-1) for index in range(PARTITIONS)]
        for index in range(PARTITIONS):
            broker.host.lead("t", index)
        request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic("t", asked)])
        response = api.handle(request, broker.context(api, LAST))
        assert not inspect.isawaitable(response)
        assert [answer.error_code for answer in response.topics[0].partitions] == [0] * PARTITIONS
