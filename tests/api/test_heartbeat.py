from odradek.api import heartbeat
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from tests.api.group_broker import group_broker
from tests.api.test_sync_group import joined


async def test_a_member_is_heard_at_every_version(autojump_clock):
    async with group_broker() as broker:
        member = await joined(broker)
        for version in range(5):
            request = HeartbeatRequest(group_id="g", generation_id=1, member_id=member.member_id)
            assert (await broker.ask(heartbeat, version, request)).error_code == ErrorCode.NONE


async def test_what_a_stranger_is_told(autojump_clock):
    async with group_broker() as broker:
        for group_id, code in (("", ErrorCode.INVALID_GROUP_ID), ("g", ErrorCode.UNKNOWN_MEMBER_ID)):
            answer = await broker.ask(heartbeat, 4, HeartbeatRequest(group_id=group_id, member_id="m"))
            assert answer.error_code == code


async def test_while_the_group_is_loaded_all_is_well(autojump_clock):
    async with group_broker() as broker:
        partition = TopicPartition(GROUP_METADATA_TOPIC, 0)
        broker.groups.on_resigned(partition)
        broker.groups.on_elected(partition, 1)
        answer = await broker.ask(heartbeat, 4, HeartbeatRequest(group_id="g", member_id="m"))
        assert answer.error_code == ErrorCode.NONE
