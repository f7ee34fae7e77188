from odradek.api import delete_groups, offset_commit
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from tests.api.group_broker import group_broker
from tests.api.test_offset_commit import committed
from tests.api.test_offset_commit import request as commit
from tests.api.test_sync_group import joined


async def test_groups_without_members_end_with_their_offsets(autojump_clock):
    async with group_broker() as broker:
        for version in range(3):
            await broker.ask(offset_commit, 8, commit((0, 1)))
            request = DeleteGroupsRequest(groups_names=["g", "none", "g"])
            answer = await broker.ask(delete_groups, version, request)
            assert [(result.group_id, result.error_code) for result in answer.results] == [
                ("g", ErrorCode.NONE),
                ("none", ErrorCode.GROUP_ID_NOT_FOUND),
            ]
            assert await committed(broker) == [-1, -1]


async def test_a_group_with_members_stays(autojump_clock):
    async with group_broker() as broker:
        await joined(broker)
        answer = await broker.ask(delete_groups, 2, DeleteGroupsRequest(groups_names=["g"]))
        assert answer.results[0].error_code == ErrorCode.NON_EMPTY_GROUP
