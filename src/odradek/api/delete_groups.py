"""DeleteGroups (key 42): ends groups without members, with their offsets.

0  initial   1  answered before throttling   2  flexible
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.turns import each_in_turn
from odradek.errors import KafkaError
from odradek.groups.commands import DeleteGroup
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from odradek.protocol.generated.delete_groups_response import DeletableGroupResult, DeleteGroupsResponse

api = Api(key=ApiKey.DELETE_GROUPS, versions=Versions(0, 2), request=DeleteGroupsRequest)


@api.handler
async def delete_groups(request: DeleteGroupsRequest, ctx: RequestContext) -> DeleteGroupsResponse:
    names = dict.fromkeys(request.groups_names)
    results = await each_in_turn(names, lambda group_id: _delete(group_id, ctx))
    return DeleteGroupsResponse(results=results)


async def _delete(group_id: str, ctx: RequestContext) -> DeletableGroupResult:
    try:
        await ctx.services.groups.execute(group_id, DeleteGroup(group_id))
    except KafkaError as error:
        return DeletableGroupResult(group_id=group_id, error_code=error.code)
    return DeletableGroupResult(group_id=group_id)


@api.refusal
def refuse(request: DeleteGroupsRequest, ctx: RequestContext, code: int) -> DeleteGroupsResponse:
    results = [DeletableGroupResult(group_id=name, error_code=code) for name in request.groups_names]
    return DeleteGroupsResponse(results=results)
