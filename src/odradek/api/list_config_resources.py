"""ListConfigResources (key 74): the resources that configs can be described of (KIP-714, KIP-1142).

0  client metrics subscriptions only (ListClientMetricsResources before 4.1)   1  resource_types
"""

from __future__ import annotations

from collections.abc import Iterable

from odradek.api.api import Api, Versions
from odradek.api.config_resources import ResourceType
from odradek.api.context import RequestContext
from odradek.coordination.dynamic_configs import CLIENT_METRICS, GROUPS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.list_config_resources_request import ListConfigResourcesRequest
from odradek.protocol.generated.list_config_resources_response import (
    ConfigResource,
    ListConfigResourcesResponse,
)

api = Api(key=ApiKey.LIST_CONFIG_RESOURCES, versions=Versions(0, 1), request=ListConfigResourcesRequest)

_ANSWER_ORDER = (
    ResourceType.GROUP,
    ResourceType.CLIENT_METRICS,
    ResourceType.BROKER_LOGGER,
    ResourceType.BROKER,
    ResourceType.TOPIC,
)


@api.handler
async def list_config_resources(
    request: ListConfigResourcesRequest, ctx: RequestContext
) -> ListConfigResourcesResponse:
    wanted = set(request.resource_types)
    if ctx.api_version == 0:
        wanted = {ResourceType.CLIENT_METRICS}
    if not wanted <= set(ResourceType):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    resources = [
        ConfigResource(resource_name=name, resource_type=kind)
        for kind in _ANSWER_ORDER
        if not wanted or kind in wanted
        for name in _names(kind, ctx)
    ]
    return ListConfigResourcesResponse(config_resources=resources)


def _names(kind: ResourceType, ctx: RequestContext) -> Iterable[str]:
    snapshot = ctx.services.metadata.snapshot
    match kind:
        case ResourceType.GROUP:
            names: Iterable[str] = ctx.services.configs.names(GROUPS)
        case ResourceType.CLIENT_METRICS:
            names = ctx.services.configs.names(CLIENT_METRICS)
        case ResourceType.BROKER | ResourceType.BROKER_LOGGER:
            names = map(str, sorted(snapshot.brokers))
        case ResourceType.TOPIC:
            names = sorted(snapshot.topics)
    return names
