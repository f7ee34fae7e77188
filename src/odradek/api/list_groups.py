"""ListGroups (key 16): the groups that this broker coordinates.

0  initial   1  throttle_time_ms   2  answered before throttling   3  flexible
4  states_filter, group_state (KIP-518)   5  types_filter, group_type (KIP-848)
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.errors import KafkaError
from odradek.groups.commands import GroupListing, ListGroups
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_groups_request import ListGroupsRequest
from odradek.protocol.generated.list_groups_response import ListedGroup, ListGroupsResponse

api = Api(key=ApiKey.LIST_GROUPS, versions=Versions(0, 5), request=ListGroupsRequest)


@api.handler
async def list_groups(request: ListGroupsRequest, ctx: RequestContext) -> ListGroupsResponse:
    """While a partition is loaded the answer says so and holds the others' groups all the same."""
    command = ListGroups(frozenset(request.states_filter), frozenset(request.types_filter))
    groups = ctx.services.groups
    try:
        listings: list[list[GroupListing]] = await groups.execute_everywhere(command)
    except KafkaError as error:
        return ListGroupsResponse(error_code=error.code)
    return ListGroupsResponse(
        error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS if groups.is_loading else ErrorCode.NONE,
        groups=[
            ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type,
                group_state=group.state,
                group_type=group.group_type,
            )
            for listing in listings
            for group in listing
        ],
    )
