"""DescribeGroups (key 15): state and members of classic groups.

0  initial   1  throttle_time_ms   2  answered before throttling   3  authorized operations (KIP-430)
4  group_instance_id (KIP-345)   5  flexible   6  error_message; an unknown group is an error (KIP-1043)
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.turns import each_in_turn
from odradek.errors import KafkaError
from odradek.groups.commands import DescribeGroup, GroupDescription
from odradek.groups.group_state import GroupState
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.describe_groups_response import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsResponse,
)

api = Api(key=ApiKey.DESCRIBE_GROUPS, versions=Versions(0, 6), request=DescribeGroupsRequest)

_OPERATIONS_OMITTED = -(2**31)
_GROUP_OPERATIONS = 1 << 3 | 1 << 6 | 1 << 8
"""AclOperation codes as bits: READ, DELETE, DESCRIBE. Without an authorizer, everybody may do everything."""
_GROUP_CONFIG_OPERATIONS = 1 << 10 | 1 << 11
"""DESCRIBE_CONFIGS, ALTER_CONFIGS: since release 4 groups have configs."""


@api.handler
async def describe_groups(request: DescribeGroupsRequest, ctx: RequestContext) -> DescribeGroupsResponse:
    operations = _OPERATIONS_OMITTED
    if request.include_authorized_operations:
        operations = _GROUP_OPERATIONS
        if not ctx.services.release.zookeeper:
            operations |= _GROUP_CONFIG_OPERATIONS
    groups = await each_in_turn(request.groups, lambda name: _describe(name, operations, ctx))
    return DescribeGroupsResponse(groups=groups)


async def _describe(group_id: str, operations: int, ctx: RequestContext) -> DescribedGroup:
    try:
        group: GroupDescription = await ctx.services.groups.execute(group_id, DescribeGroup(group_id))
    except KafkaError as error:
        return DescribedGroup(group_id=group_id, error_code=error.code)
    if ctx.api_version >= 6 and group.state == GroupState.DEAD.value:
        return DescribedGroup(
            group_id=group_id,
            group_state=group.state,
            error_code=ErrorCode.GROUP_ID_NOT_FOUND,
            error_message=f"Group {group_id} not found.",
        )
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol,
        members=[
            DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata,
                member_assignment=member.assignment,
            )
            for member in group.members
        ],
        authorized_operations=operations,
    )


@api.refusal
def refuse(request: DescribeGroupsRequest, ctx: RequestContext, code: int) -> DescribeGroupsResponse:
    groups = [DescribedGroup(group_id=name, error_code=code) for name in request.groups]
    return DescribeGroupsResponse(groups=groups)
