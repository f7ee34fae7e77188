"""ListConfigResources: what has configs; 3.9 calls it ListClientMetricsResources."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.list_config_resources_request import ListConfigResourcesRequest


@scenario(ApiKey.LIST_CONFIG_RESOURCES)
def without_a_type(k: Session) -> None:
    k.create_topic()
    k.send(ListConfigResourcesRequest(), unordered="config_resources")


@scenario(ApiKey.LIST_CONFIG_RESOURCES, since=1)
def by_type(k: Session) -> None:
    k.create_topic(configs={"retention.ms": "5"})
    for types in ([2], [4], [8], [16], [32], [2, 4], [2, 2], [0], [99], [-1]):
        k.send(ListConfigResourcesRequest(resource_types=types), unordered="config_resources")
