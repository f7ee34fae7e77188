from odradek.api import offset_commit, offset_delete
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.offset_delete_request import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from tests.api.group_broker import group_broker
from tests.api.test_offset_commit import codes, committed
from tests.api.test_offset_commit import request as commit


def request(*partitions: int, group_id: str = "g") -> OffsetDeleteRequest:
    asked = [OffsetDeleteRequestPartition(partition_index=index) for index in partitions]
    topics = [OffsetDeleteRequestTopic(name="t", partitions=asked)]
    return OffsetDeleteRequest(group_id=group_id, topics=topics)


async def test_offsets_are_forgotten_one_by_one(autojump_clock):
    async with group_broker() as broker:
        await broker.ask(offset_commit, 8, commit((0, 1), (1, 2)))
        answer = await broker.ask(offset_delete, 0, request(0, 9))
        assert answer.error_code == 0
        assert codes(answer) == {("t", 9): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ("t", 0): 0}
        assert await committed(broker) == [-1, 2]


async def test_what_concerns_the_whole_group_stands_alone(autojump_clock):
    async with group_broker() as broker:
        for group_id, code in (("", ErrorCode.INVALID_GROUP_ID), ("none", ErrorCode.GROUP_ID_NOT_FOUND)):
            answer = await broker.ask(offset_delete, 0, request(0, group_id=group_id))
            assert (answer.error_code, answer.topics) == (code, [])
