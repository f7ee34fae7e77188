"""What brokers' answers to the controller's requests mean: most of them nothing. Pure but for the log."""

from __future__ import annotations

from odradek.controller.decision import Outgoing
from odradek.controller.events import Event, ReplicasAnswered, ReplicasStopped
from odradek.controller.state import ClusterState, Replica
from odradek.metadata.topic_partition import TopicPartition
from odradek.peers.control_channels import ControlResponse
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import LeaderAndIsrResponse
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.telemetry import get_logger

_log = get_logger(__name__)


def event_of(outgoing: Outgoing, response: ControlResponse, state: ClusterState) -> Event | None:
    """What there is to decide after an answer; None for nothing."""
    request = outgoing.request
    if isinstance(request, StopReplicaRequest) and isinstance(response, StopReplicaResponse):
        return _stopped(outgoing.node_id, request, response, state)
    if response.error_code != ErrorCode.NONE:
        kind = type(request).__name__
        _log.warn("broker refused", broker=outgoing.node_id, request=kind, code=response.error_code)
    elif isinstance(request, LeaderAndIsrRequest) and isinstance(response, LeaderAndIsrResponse):
        return _led(outgoing.node_id, request, response, state)
    return None


def _stopped(
    node_id: int, request: StopReplicaRequest, response: StopReplicaResponse, state: ClusterState
) -> Event | None:
    """The replicas deleted, of topics that are being deleted."""
    doomed = {
        TopicPartition(topic.topic_name, each.partition_index)
        for topic in request.topic_states
        for each in topic.partition_states
        if each.delete_partition and topic.topic_name in state.deleting
    }
    errors = {
        TopicPartition(each.topic_name, each.partition_index): response.error_code or each.error_code
        for each in response.partition_errors
    }
    decisive = {tp: code for tp, code in errors.items() if tp in doomed}
    return ReplicasStopped(node_id, decisive) if decisive else None


def _led(
    node_id: int, request: LeaderAndIsrRequest, response: LeaderAndIsrResponse, state: ClusterState
) -> Event | None:
    """The replicas whose log directory failed, or works again."""
    names = {topic.topic_id: topic.topic_name for topic in request.topic_states}
    codes = {
        Replica(TopicPartition(names[topic.topic_id], each.partition_index), node_id): each.error_code
        for topic in response.topics
        if topic.topic_id in names
        for each in topic.partition_errors
    }
    failed = frozenset(r for r, code in codes.items() if code == ErrorCode.KAFKA_STORAGE_ERROR)
    online = frozenset(r for r, code in codes.items() if code == ErrorCode.NONE) & state.failed_replicas
    return ReplicasAnswered(online, failed) if failed or online else None
