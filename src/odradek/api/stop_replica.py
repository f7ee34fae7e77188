"""StopReplica (key 5): the controller has this broker follow partitions no longer, or delete them.

0   ungrouped partitions   1 grouped by topic, broker_epoch   2 flexible
3   leader epochs, and deleting is said of each partition     4 is_kraft_controller

Kafka: KafkaApis.handleStopReplicaRequest, ReplicaManager.stopReplicas.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaPartitionError, StopReplicaResponse
from odradek.replication.control_messages import stop_states

api = Api(key=ApiKey.STOP_REPLICA, versions=Versions(0, 4), request=StopReplicaRequest)


@api.handler
async def stop_replica(request: StopReplicaRequest, ctx: RequestContext) -> StopReplicaResponse:
    """Its three shapes are told apart where it is carried out."""
    return await ctx.services.controlled_broker.stop_replica(request)


@api.refusal
def refuse(request: StopReplicaRequest, ctx: RequestContext, code: int) -> StopReplicaResponse:
    """The error for the request and for each partition."""
    return StopReplicaResponse(
        error_code=code,
        partition_errors=[
            StopReplicaPartitionError(topic, state.partition_index, code)
            for topic, state in stop_states(request)
        ],
    )
