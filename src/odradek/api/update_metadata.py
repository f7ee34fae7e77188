"""UpdateMetadata (key 6): the controller tells this broker of the cluster's brokers and partitions.

0   one endpoint a broker, ungrouped partitions   1 several endpoints   2 rack   3 listener names
4   offline replicas   5 grouped by topic, broker_epoch   6 flexible   7 topic ids
8   is_kraft_controller, type

Kafka: KafkaApis.handleUpdateMetadataRequest, UpdateMetadataRequest.normalize.
"""

from __future__ import annotations

from odradek.api.api import Api, ConnectionEnded, Versions
from odradek.api.context import RequestContext
from odradek.api.topic_states import group_by_topic
from odradek.metadata.cache import SECURITY_PROTOCOLS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse

_PLAINTEXT = 0

api = Api(key=ApiKey.UPDATE_METADATA, versions=Versions(0, 8), request=UpdateMetadataRequest)


@api.handler
async def update_metadata(request: UpdateMetadataRequest, ctx: RequestContext) -> UpdateMetadataResponse:
    """What this broker makes of it depends on no version."""
    if request.ungrouped_partition_states:
        request.topic_states = group_by_topic(request.ungrouped_partition_states, UpdateMetadataTopicState)
        request.ungrouped_partition_states = []
    for broker in request.live_brokers:
        _name_listeners(broker, ctx.api_version)
    return await ctx.services.controlled_broker.update_metadata(request)


def _name_listeners(broker: UpdateMetadataBroker, version: int) -> None:
    """Before version 3 a listener has no name of its own but that of its security protocol.

    Raises ConnectionEnded where there is no such protocol: Kafka cannot read the request then.
    """
    if version == 0 and not broker.endpoints:
        broker.endpoints = [
            UpdateMetadataEndpoint(broker.v0_port, broker.v0_host, SECURITY_PROTOCOLS[_PLAINTEXT], _PLAINTEXT)
        ]
    for endpoint in broker.endpoints:
        if not endpoint.listener:
            name = SECURITY_PROTOCOLS.get(endpoint.security_protocol)
            if name is None:
                raise ConnectionEnded(f"no security protocol has the id {endpoint.security_protocol}")
            endpoint.listener = name
