from odradek.api import leave_group
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest, MemberIdentity
from tests.api.group_broker import group_broker
from tests.api.test_sync_group import joined


async def test_before_version_3_the_answer_is_one_code(autojump_clock):
    async with group_broker() as broker:
        member = await joined(broker)
        for version, code in ((0, 0), (1, ErrorCode.UNKNOWN_MEMBER_ID), (2, ErrorCode.UNKNOWN_MEMBER_ID)):
            request = LeaveGroupRequest(group_id="g", member_id=member.member_id)
            assert (await broker.ask(leave_group, version, request)).error_code == code


async def test_from_version_3_on_every_member_has_its_own(autojump_clock):
    async with group_broker() as broker:
        for version in (3, 4, 5):
            member = await joined(broker)
            leaving = [MemberIdentity(member_id=member.member_id), MemberIdentity(group_instance_id="one")]
            answer = await broker.ask(leave_group, version, LeaveGroupRequest(group_id="g", members=leaving))
            assert answer.error_code == ErrorCode.NONE
            assert [(m.member_id, m.group_instance_id, m.error_code) for m in answer.members] == [
                (member.member_id, None, ErrorCode.NONE),
                ("", "one", ErrorCode.UNKNOWN_MEMBER_ID),
            ]


async def test_of_a_group_that_does_not_exist_every_member_is_unknown(autojump_clock):
    async with group_broker() as broker:
        request = LeaveGroupRequest(group_id="none", members=[MemberIdentity(member_id="m")])
        answer = await broker.ask(leave_group, 4, request)
        assert answer.error_code == ErrorCode.NONE
        assert answer.members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID


async def test_a_group_needs_a_name(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(leave_group, 4, LeaveGroupRequest(group_id=""))
        assert (answer.error_code, answer.members) == (ErrorCode.INVALID_GROUP_ID, [])
