"""JoinGroup (key 11): a member enters a classic group, and waits for the generation to form.

0  initial   1  rebalance_timeout_ms   2  throttle_time_ms   3  answered before throttling
4  a new dynamic member gets its id first (KIP-394)   5  group_instance_id (KIP-345)   6  flexible
7  protocol_type; null instead of an empty protocol_name   8  reason (KIP-800)   9  skip_assignment (KIP-814)
"""

from __future__ import annotations

from uuid import uuid4

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import JoinGroup, JoinGroupReply
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.join_group_request import JoinGroupRequest
from odradek.protocol.generated.join_group_response import JoinGroupResponse, JoinGroupResponseMember

api = Api(key=ApiKey.JOIN_GROUP, versions=Versions(0, 9), request=JoinGroupRequest, only_waits=True)


@api.handler
async def join_group(request: JoinGroupRequest, ctx: RequestContext) -> JoinGroupResponse:
    try:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        reply: JoinGroupReply = await ctx.services.groups.execute(request.group_id, _command(request, ctx))
    except KafkaError as error:
        reply = JoinGroupReply(request.member_id, ErrorCode(error.code))
    return _response(reply, ctx.api_version)


def _command(request: JoinGroupRequest, ctx: RequestContext) -> JoinGroup:
    client_id = ctx.client_id or ""
    instance_id = request.group_instance_id
    version = ctx.api_version
    return JoinGroup(
        group_id=request.group_id,
        member_id=request.member_id,
        group_instance_id=instance_id,
        client_id=client_id,
        client_host=ctx.client_host,
        rebalance_timeout_ms=request.rebalance_timeout_ms if version else request.session_timeout_ms,
        session_timeout_ms=request.session_timeout_ms,
        protocol_type=request.protocol_type,
        protocols=tuple((protocol.name, bytes(protocol.metadata)) for protocol in request.protocols),
        fresh_member_id=f"{client_id if instance_id is None else instance_id}-{uuid4()}",
        require_known_member_id=version >= 4 and instance_id is None,
        supports_skipping_assignment=version >= 9,
    )


def _response(reply: JoinGroupReply, version: int) -> JoinGroupResponse:
    no_name = None if version >= 7 else ""
    return JoinGroupResponse(
        error_code=reply.error,
        generation_id=reply.generation_id,
        protocol_type=reply.protocol_type,
        protocol_name=reply.protocol_name or no_name,
        leader=reply.leader_id,
        skip_assignment=reply.skip_assignment,
        member_id=reply.member_id,
        members=[
            JoinGroupResponseMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                metadata=member.metadata,
            )
            for member in reply.members
        ],
    )
