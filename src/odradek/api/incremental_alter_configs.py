"""IncrementalAlterConfigs (key 44): sets, deletes and extends single configs (KIP-339), and logger levels.

0  initial   1  flexible
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.config_changes import ResourceChange, change_resources
from odradek.api.context import RequestContext
from odradek.config.alteration import Change
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.incremental_alter_configs_request import IncrementalAlterConfigsRequest
from odradek.protocol.generated.incremental_alter_configs_response import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsResponse,
)

api = Api(
    key=ApiKey.INCREMENTAL_ALTER_CONFIGS, versions=Versions(0, 1), request=IncrementalAlterConfigsRequest
)


@api.handler
async def incremental_alter_configs(
    request: IncrementalAlterConfigsRequest, ctx: RequestContext
) -> IncrementalAlterConfigsResponse:
    resources = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [Change(config.name, config.config_operation, config.value) for config in resource.configs],
            incremental=True,
        )
        for resource in request.resources
    ]
    answers = await change_resources(resources, ctx, validate_only=request.validate_only)
    return _response(request, answers)


@api.refusal
def refuse(
    request: IncrementalAlterConfigsRequest, ctx: RequestContext, code: int
) -> IncrementalAlterConfigsResponse:
    return _response(request, [(code, ErrorCode(code).message)] * len(request.resources))


def _response(
    request: IncrementalAlterConfigsRequest, answers: list[tuple[int, str | None]]
) -> IncrementalAlterConfigsResponse:
    return IncrementalAlterConfigsResponse(
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
