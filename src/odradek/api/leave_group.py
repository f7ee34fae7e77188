"""LeaveGroup (key 13): members go; from version 3 on several, and static ones by their instance id.

0  initial   1  throttle_time_ms   2  answered before throttling   3  members (KIP-345)
4  flexible   5  reason (KIP-800)
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import LeaveGroup, LeavingMember
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest
from odradek.protocol.generated.leave_group_response import LeaveGroupResponse, MemberResponse

api = Api(key=ApiKey.LEAVE_GROUP, versions=Versions(0, 5), request=LeaveGroupRequest)


@api.handler
async def leave_group(request: LeaveGroupRequest, ctx: RequestContext) -> LeaveGroupResponse:
    leaving = tuple(LeavingMember(m.member_id, m.group_instance_id) for m in request.members)
    if ctx.api_version < 3:
        leaving = (LeavingMember(request.member_id),)
    try:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        command = LeaveGroup(request.group_id, leaving)
        codes: list[ErrorCode] = await ctx.services.groups.execute(request.group_id, command)
    except KafkaError as error:
        return LeaveGroupResponse(error_code=error.code)
    if ctx.api_version < 3:
        return LeaveGroupResponse(error_code=codes[0])
    return LeaveGroupResponse(
        members=[
            MemberResponse(
                member_id=member.member_id, group_instance_id=member.group_instance_id, error_code=code
            )
            for member, code in zip(leaving, codes, strict=True)
        ]
    )
