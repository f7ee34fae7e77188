from typing import Any

from odradek.api import join_group
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from tests.api.group_broker import group_broker


def request(**fields: Any) -> JoinGroupRequest:
    request = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=60_000,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=b"meta")],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def test_the_only_member_leads_at_every_version(autojump_clock):
    async with group_broker() as broker:
        for version in range(10):
            group_id = f"g{version}"
            answer = await broker.ask(join_group, version, request(group_id=group_id))
            if version >= 4:
                assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
                assert answer.member_id.startswith("client-")
                again = request(group_id=group_id, member_id=answer.member_id)
                answer = await broker.ask(join_group, version, again)
            assert (answer.error_code, answer.generation_id, answer.protocol_name) == (0, 1, "range")
            assert answer.leader == answer.member_id == answer.members[0].member_id
            assert answer.members[0].metadata == b"meta"
            assert answer.protocol_type == ("consumer" if version >= 7 else None)


async def test_a_static_members_id_begins_with_its_instance_id(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(join_group, 5, request(group_instance_id="one"))
        assert answer.error_code == ErrorCode.NONE
        assert answer.member_id.startswith("one-")
        assert answer.members[0].group_instance_id == "one"


async def test_an_empty_group_id_is_refused_with_the_members_own_id(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(join_group, 7, request(group_id="", member_id="m"))
        assert (answer.error_code, answer.member_id) == (ErrorCode.INVALID_GROUP_ID, "m")
        assert (answer.generation_id, answer.protocol_name, answer.leader) == (-1, None, "")


async def test_before_version_7_there_is_no_null_protocol_name(autojump_clock):
    async with group_broker() as broker:
        answer = await broker.ask(join_group, 6, request(session_timeout_ms=1))
        assert (answer.error_code, answer.protocol_name) == (ErrorCode.INVALID_SESSION_TIMEOUT, "")
