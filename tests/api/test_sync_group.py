from odradek.api import join_group, sync_group
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.join_group_response import JoinGroupResponse
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment
from tests.api.group_broker import GroupBroker, group_broker


async def joined(broker: GroupBroker) -> JoinGroupResponse:
    """The only member of group `g`, which awaits its leader's assignment."""
    protocols = [JoinGroupRequestProtocol(name="range")]
    request = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=60_000,
        protocol_type="consumer",
        protocols=protocols,
    )
    response: JoinGroupResponse = await broker.ask(join_group, 2, request)
    return response


async def test_the_leader_gets_what_it_assigned_itself_at_every_version(autojump_clock):
    async with group_broker() as broker:
        member = await joined(broker)
        for version in range(6):
            request = SyncGroupRequest(
                group_id="g",
                generation_id=member.generation_id,
                member_id=member.member_id,
                assignments=[SyncGroupRequestAssignment(member_id=member.member_id, assignment=b"all")],
            )
            if version >= 5:
                request.protocol_type, request.protocol_name = "consumer", "range"
            answer = await broker.ask(sync_group, version, request)
            assert (answer.error_code, answer.assignment) == (0, b"all")
            assert answer.protocol_name == ("range" if version >= 5 else None)


async def test_version_5_must_name_its_protocol_even_for_a_group_that_has_no_name(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(sync_group, 5, SyncGroupRequest(group_id="", protocol_type="consumer"))
        assert answer.error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


async def test_a_group_needs_a_name(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(sync_group, 4, SyncGroupRequest(group_id=""))
        assert answer.error_code == ErrorCode.INVALID_GROUP_ID


async def test_while_the_group_is_loaded_its_members_are_sent_to_join_again(autojump_clock):
    async with group_broker() as broker:
        partition = TopicPartition(GROUP_METADATA_TOPIC, 0)
        broker.groups.on_resigned(partition)
        broker.groups.on_elected(partition, 1)
        answer = await broker.ask(sync_group, 4, SyncGroupRequest(group_id="g"))
        assert answer.error_code == ErrorCode.REBALANCE_IN_PROGRESS
