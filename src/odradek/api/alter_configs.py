"""AlterConfigs (key 33): sets all configs of a resource anew; deprecated since IncrementalAlterConfigs.

0  initial   1  answered before throttling   2  flexible
"""

from __future__ import annotations

from odradek.api.api import Api, NeverAnswered, Versions
from odradek.api.config_changes import ResourceChange, change_resources
from odradek.api.context import RequestContext
from odradek.config.alteration import Change, Operation
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.alter_configs_request import AlterConfigsRequest
from odradek.protocol.generated.alter_configs_response import (
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

api = Api(key=ApiKey.ALTER_CONFIGS, versions=Versions(0, 2), request=AlterConfigsRequest)


@api.handler
async def alter_configs(request: AlterConfigsRequest, ctx: RequestContext) -> AlterConfigsResponse:
    resources = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [Change(config.name, Operation.SET, config.value) for config in resource.configs],
            incremental=False,
        )
        for resource in request.resources
    ]
    answers = await change_resources(resources, ctx, validate_only=request.validate_only)
    return _response(request, answers)


@api.refusal
def refuse(request: AlterConfigsRequest, ctx: RequestContext, code: int) -> AlterConfigsResponse:
    return _response(request, [(code, ErrorCode(code).message)] * len(request.resources))


def _response(request: AlterConfigsRequest, answers: list[tuple[int, str | None]]) -> AlterConfigsResponse:
    resources = [(each.resource_type, each.resource_name) for each in request.resources]
    if len(set(resources)) < len(resources):
        # Kafka has made the changes, but cannot count the errors of an answer that has a resource twice.
        raise NeverAnswered("AlterConfigs names a resource twice")
    return AlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=code,
                error_message=message,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
            for resource, (code, message) in zip(request.resources, answers, strict=True)
        ]
    )
