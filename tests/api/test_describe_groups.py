from odradek.api import describe_groups, offset_commit
from odradek.metadata.topic_names import GROUP_METADATA_TOPIC
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.describe_groups_response import DescribedGroup, DescribeGroupsResponse
from tests.api.group_broker import GroupBroker, group_broker
from tests.api.test_offset_commit import request as commit
from tests.api.test_sync_group import joined


async def described(broker: GroupBroker, version: int, group_id: str = "g") -> DescribedGroup:
    request = DescribeGroupsRequest(groups=[group_id])
    response: DescribeGroupsResponse = await broker.ask(describe_groups, version, request)
    return response.groups[0]


async def test_a_group_with_a_member_at_every_version(autojump_clock):
    async with group_broker() as broker:
        member = await joined(broker)
        for version in range(7):
            group = await described(broker, version)
            assert (group.error_code, group.group_state) == (0, "CompletingRebalance")
            assert (group.protocol_type, group.protocol_data) == ("consumer", "")
            assert group.members[0].member_id == member.member_id
            assert (group.members[0].client_id, group.members[0].client_host) == ("client", "/127.0.0.1")


async def test_a_group_of_offsets_only(autojump_clock):
    async with group_broker() as broker:
        await broker.ask(offset_commit, 8, commit((0, 1)))
        group = await described(broker, 5)
        assert (group.group_state, group.protocol_type, group.members) == ("Empty", "", [])


async def test_an_unknown_group_is_dead_and_from_version_6_on_an_error(autojump_clock):
    async with group_broker() as broker:
        group = await described(broker, 5, "none")
        assert (group.error_code, group.group_state) == (0, "Dead")
        group = await described(broker, 6, "none")
        assert (group.error_code, group.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")
        assert group.error_message == "Group none not found."


async def test_an_error_leaves_the_rest_empty(autojump_clock):
    async with group_broker() as broker:
        broker.groups.on_resigned(TopicPartition(GROUP_METADATA_TOPIC, 0))
        group = await described(broker, 5)
        assert (group.error_code, group.group_state) == (ErrorCode.NOT_COORDINATOR, "")
        assert group.authorized_operations == -(2**31)


async def test_everybody_may_do_what_the_release_knows(autojump_clock):
    for release, operations in (("3.9", 328), ("4.3", 3400)):
        async with group_broker(odradek_emulate=release) as broker:
            request = DescribeGroupsRequest(groups=["none"], include_authorized_operations=True)
            answer = await broker.ask(describe_groups, 5, request)
            assert answer.groups[0].authorized_operations == operations
