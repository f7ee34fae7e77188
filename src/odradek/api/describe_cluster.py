"""DescribeCluster (key 60): the cluster's id, its controller and its living brokers (KIP-700).

0  initial   1  endpoint_type: brokers or controllers (KIP-919)   2  fenced brokers, of which there are none
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED
from odradek.api.context import RequestContext
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest
from odradek.protocol.generated.describe_cluster_response import (
    DescribeClusterBroker,
    DescribeClusterResponse,
)

api = Api(key=ApiKey.DESCRIBE_CLUSTER, versions=Versions(0, 2), request=DescribeClusterRequest)

_BROKER, _CONTROLLER = 1, 2
"""Types of endpoints."""

_NO_CONTROLLER = -1


@api.handler
def describe_cluster(request: DescribeClusterRequest, ctx: RequestContext) -> DescribeClusterResponse:
    if request.endpoint_type == _CONTROLLER:
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER, "
            "but we wanted an endpoint of type CONTROLLER",
        )
    if request.endpoint_type != _BROKER:
        return DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"Unsupported endpoint type {request.endpoint_type}",
        )
    snapshot = ctx.services.metadata.snapshot
    brokers = []
    for node_id, broker in snapshot.brokers.items():
        endpoint = broker.endpoints.get(ctx.listener_name)
        if endpoint is not None:
            brokers.append(DescribeClusterBroker(node_id, endpoint.host, endpoint.port, broker.rack))
    controller_id = snapshot.controller_id
    if controller_id is None or all(broker.broker_id != controller_id for broker in brokers):
        controller_id = _NO_CONTROLLER
    asked = request.include_cluster_authorized_operations
    return DescribeClusterResponse(
        cluster_id=ctx.services.cluster_id,
        controller_id=controller_id,
        brokers=brokers,
        cluster_authorized_operations=CLUSTER_OPERATIONS if asked else NOT_ASKED,
    )
