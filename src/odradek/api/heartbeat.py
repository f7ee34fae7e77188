"""Heartbeat (key 12): a member of a classic group says that it is alive.

0  initial   1  throttle_time_ms   2  answered before throttling   3  group_instance_id (KIP-345)
4  flexible
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import Heartbeat
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse

api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)


@api.handler
async def heartbeat(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse:
    group_id = request.group_id
    if not group_id:
        return HeartbeatResponse(error_code=ErrorCode.INVALID_GROUP_ID)
    command = Heartbeat(group_id, request.generation_id, request.member_id, request.group_instance_id)
    try:
        return HeartbeatResponse(error_code=await ctx.services.groups.execute(group_id, command))
    except KafkaError as error:
        # While the group is loaded nobody knows better, and the member need not look for a coordinator.
        loading = error.code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        return HeartbeatResponse(error_code=ErrorCode.NONE if loading else error.code)
