"""SyncGroup (key 14): the leader brings the assignment of the generation, every member gets its part.

0  initial   1  throttle_time_ms   2  answered before throttling   3  group_instance_id (KIP-345)
4  flexible   5  protocol_type and protocol_name, which must be there (KIP-559)
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import SyncGroup, SyncGroupReply
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.sync_group_request import SyncGroupRequest
from odradek.protocol.generated.sync_group_response import SyncGroupResponse

api = Api(key=ApiKey.SYNC_GROUP, versions=Versions(0, 5), request=SyncGroupRequest, only_waits=True)


@api.handler
async def sync_group(request: SyncGroupRequest, ctx: RequestContext) -> SyncGroupResponse:
    if ctx.api_version >= 5 and (request.protocol_type is None or request.protocol_name is None):
        return SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    try:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        reply: SyncGroupReply = await ctx.services.groups.execute(request.group_id, _command(request))
    except KafkaError as error:
        return SyncGroupResponse(error_code=_while_loading(error))
    return SyncGroupResponse(
        error_code=reply.error,
        protocol_type=reply.protocol_type,
        protocol_name=reply.protocol_name,
        assignment=reply.assignment,
    )


def _command(request: SyncGroupRequest) -> SyncGroup:
    return SyncGroup(
        request.group_id,
        request.generation_id,
        request.member_id,
        request.group_instance_id,
        request.protocol_type,
        request.protocol_name,
        {assignment.member_id: bytes(assignment.assignment) for assignment in request.assignments},
    )


def _while_loading(error: KafkaError) -> int:
    """The rebalance is forgotten, so the member starts over; older clients do not expect the other code."""
    if error.code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
        return ErrorCode.REBALANCE_IN_PROGRESS
    return error.code
