"""LeaderAndIsr (key 4): the controller makes this broker leader or follower of partitions.

0   ungrouped partitions   1 is_new   2 grouped by topic, broker_epoch   3 adding and removing replicas
4   flexible               5 topic ids, and they name topics in the answer   6 leader_recovery_state
7   is_kraft_controller

Kafka: KafkaApis.handleLeaderAndIsrRequest, ReplicaManager.becomeLeaderOrFollower.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.topic_states import group_by_topic
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest, LeaderAndIsrTopicState
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.replication.control_messages import refused_leader_and_isr

api = Api(key=ApiKey.LEADER_AND_ISR, versions=Versions(0, 7), request=LeaderAndIsrRequest)


@api.handler
async def leader_and_isr(request: LeaderAndIsrRequest, ctx: RequestContext) -> LeaderAndIsrResponse:
    """What this broker makes of it depends on no version."""
    if request.ungrouped_partition_states:
        request.topic_states = group_by_topic(request.ungrouped_partition_states, LeaderAndIsrTopicState)
        request.ungrouped_partition_states = []
    return await ctx.services.controlled_broker.leader_and_isr(request, ctx.api_version)


@api.refusal
def refuse(request: LeaderAndIsrRequest, ctx: RequestContext, code: int) -> LeaderAndIsrResponse:
    """The error for the request and for each partition."""
    return refused_leader_and_isr(request, ErrorCode(code), ctx.api_version)
