"""The controller's requests to brokers: LeaderAndIsr, UpdateMetadata and StopReplica, made from its state.

Pure. In ZooKeeper mode the type of a request is unknown (0), and versions are those of 3.9: LeaderAndIsr 7,
UpdateMetadata 8, StopReplica 4. Source: kafka.controller.AbstractControllerBrokerRequestBatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from odradek.controller.state import ClusterState
from odradek.metadata.cache import LEADER_DURING_DELETE, SECURITY_PROTOCOLS
from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.leader_and_isr_request import (
    LeaderAndIsrLiveLeader,
    LeaderAndIsrPartitionState,
    LeaderAndIsrRequest,
    LeaderAndIsrTopicState,
)
from odradek.protocol.generated.stop_replica_request import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaTopicState,
)
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)

EPOCH_DURING_DELETE = -2
"""The leader epoch in requests about a partition of a topic that is being deleted; it overrides any."""
NO_LEADER_EPOCH = -1
"""The leader epoch in a StopReplica for a partition that was never led."""

_PROTOCOL_IDS = {name: number for number, name in SECURITY_PROTOCOLS.items()}


def leader_and_isr(
    state: ClusterState,
    node_id: int,
    partitions: Mapping[TopicPartition, bool],
    *,
    inter_broker_listener: str,
) -> LeaderAndIsrRequest:
    """Tell a broker to lead or follow partitions; their values say whether the partition is new."""
    topics: dict[str, LeaderAndIsrTopicState] = {}
    leaders: set[int] = set()
    for topic_partition, is_new in partitions.items():
        name = topic_partition.topic
        if name not in topics:
            topics[name] = LeaderAndIsrTopicState(topic_name=name, topic_id=_topic_id(state, name))
        topics[name].partition_states.append(_leader_and_isr_state(state, topic_partition, is_new))
        leaders.add(state.leadership[topic_partition].leader_and_isr.leader)
    return LeaderAndIsrRequest(
        controller_id=state.controller_id,
        controller_epoch=state.controller_epoch,
        broker_epoch=state.brokers[node_id].epoch,
        topic_states=list(topics.values()),
        live_leaders=_live_leaders(state, leaders, inter_broker_listener),
    )


def _leader_and_isr_state(
    state: ClusterState, topic_partition: TopicPartition, is_new: bool
) -> LeaderAndIsrPartitionState:
    leadership, assignment = state.leadership[topic_partition], state.assignment(topic_partition)
    current = leadership.leader_and_isr
    return LeaderAndIsrPartitionState(
        partition_index=topic_partition.partition,
        controller_epoch=current.controller_epoch,
        leader=current.leader,
        leader_epoch=current.leader_epoch,
        isr=list(current.isr),
        partition_epoch=leadership.partition_epoch,
        replicas=list(assignment.replicas),
        adding_replicas=list(assignment.adding),
        removing_replicas=list(assignment.removing),
        is_new=is_new,
        leader_recovery_state=int(current.is_recovering),
    )


def _live_leaders(state: ClusterState, leaders: Iterable[int], listener: str) -> list[LeaderAndIsrLiveLeader]:
    live = []
    for node_id in sorted(leaders):
        broker = state.brokers.get(node_id)
        endpoints = broker.registration.endpoints if broker else ()
        live += [
            LeaderAndIsrLiveLeader(broker_id=node_id, host_name=endpoint.host, port=endpoint.port)
            for endpoint in endpoints
            if endpoint.listener_name == listener
        ]
    return live


def update_metadata(
    state: ClusterState, node_id: int, partitions: Iterable[TopicPartition]
) -> UpdateMetadataRequest:
    """Tell a broker of all living brokers and of these partitions; those never led yet are left out."""
    topics: dict[str, UpdateMetadataTopicState] = {}
    for topic_partition in partitions:
        name = topic_partition.topic
        if topic_partition in state.leadership:
            if name not in topics:
                topics[name] = UpdateMetadataTopicState(topic_name=name, topic_id=_topic_id(state, name))
            topics[name].partition_states.append(_metadata_state(state, topic_partition))
    return UpdateMetadataRequest(
        controller_id=state.controller_id,
        controller_epoch=state.controller_epoch,
        broker_epoch=state.brokers[node_id].epoch,
        topic_states=list(topics.values()),
        live_brokers=[_live_broker(state, live) for live in sorted(state.brokers)],
    )


def _metadata_state(state: ClusterState, topic_partition: TopicPartition) -> UpdateMetadataPartitionState:
    leadership = state.leadership[topic_partition]
    current, replicas = leadership.leader_and_isr, state.assignment(topic_partition).replicas
    deleted = topic_partition.topic in state.deleting
    return UpdateMetadataPartitionState(
        partition_index=topic_partition.partition,
        controller_epoch=current.controller_epoch,
        leader=LEADER_DURING_DELETE if deleted else current.leader,
        leader_epoch=EPOCH_DURING_DELETE if deleted else current.leader_epoch,
        isr=list(current.isr),
        zk_version=leadership.partition_epoch,
        replicas=list(replicas),
        offline_replicas=[node for node in replicas if not state.is_online(node, topic_partition)],
    )


def _live_broker(state: ClusterState, node_id: int) -> UpdateMetadataBroker:
    registration = state.brokers[node_id].registration
    endpoints = [
        UpdateMetadataEndpoint(
            host=endpoint.host,
            port=endpoint.port,
            listener=endpoint.listener_name,
            security_protocol=_PROTOCOL_IDS[endpoint.security_protocol],
        )
        for endpoint in registration.endpoints
    ]
    return UpdateMetadataBroker(id=node_id, endpoints=endpoints, rack=registration.rack)


def stop_replica(
    state: ClusterState, node_id: int, partitions: Mapping[TopicPartition, bool]
) -> StopReplicaRequest:
    """Tell a broker to follow partitions no more; their values say whether to delete its replicas too."""
    topics: dict[str, StopReplicaTopicState] = {}
    for topic_partition, delete in partitions.items():
        topic = topics.setdefault(
            topic_partition.topic, StopReplicaTopicState(topic_name=topic_partition.topic)
        )
        topic.partition_states.append(
            StopReplicaPartitionState(
                partition_index=topic_partition.partition,
                leader_epoch=_leader_epoch(state, topic_partition),
                delete_partition=delete,
            )
        )
    return StopReplicaRequest(
        controller_id=state.controller_id,
        controller_epoch=state.controller_epoch,
        broker_epoch=state.brokers[node_id].epoch,
        topic_states=list(topics.values()),
    )


def _leader_epoch(state: ClusterState, topic_partition: TopicPartition) -> int:
    if topic_partition.topic in state.deleting:
        return EPOCH_DURING_DELETE
    leadership = state.leadership.get(topic_partition)
    return leadership.leader_and_isr.leader_epoch if leadership else NO_LEADER_EPOCH


def _topic_id(state: ClusterState, topic: str) -> UUID:
    return state.topics[topic].topic_id or NO_TOPIC_ID
