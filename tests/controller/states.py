"""Clusters as values, for tests of pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from odradek.controller.decision import Decision
from odradek.controller.events import Event
from odradek.controller.rules import Rules
from odradek.controller.state import ClusterState, Leadership, LiveBroker
from odradek.metadata.topic_id import parse_topic_id
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import (
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    ReplicaAssignment,
    TopicAssignment,
)
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest

CONTROLLER_EPOCH = 5
TOPIC_ID = parse_topic_id("A6d4TlLOTfqs-8And5x6LQ")

Led = tuple[int, Sequence[int]]
"""A leader and an ISR."""


def broker(node_id: int, epoch: int = 0) -> LiveBroker:
    """A broker that registered with this epoch (100 + its id unless given)."""
    endpoint = Endpoint("localhost", 9092 + node_id, "PLAINTEXT", "PLAINTEXT")
    return LiveBroker(node_id, epoch or 100 + node_id, BrokerRegistration((endpoint,), timestamp_ms=1))


def brokers(ids: Iterable[int]) -> dict[int, LiveBroker]:
    return {node_id: broker(node_id) for node_id in ids}


def tp(number: int = 0, topic: str = "t") -> TopicPartition:
    return TopicPartition(topic, number)


def moving(target: Sequence[int], origin: Sequence[int]) -> ReplicaAssignment:
    return ReplicaAssignment(tuple(origin)).reassigned_to(target)


def cluster_of(
    live: Iterable[int],
    partitions: Mapping[int, tuple[Sequence[int] | ReplicaAssignment, Led | None]],
    **fields: object,
) -> ClusterState:
    """A cluster with topic `t`: for each partition its replicas, and who leads; epochs are 3, versions 7."""
    assignments = {
        number: replicas if isinstance(replicas, ReplicaAssignment) else ReplicaAssignment(tuple(replicas))
        for number, (replicas, _) in partitions.items()
    }
    leadership = {
        tp(number): Leadership(LeaderAndIsr(led[0], 3, tuple(led[1]), 4), partition_epoch=7)
        for number, (_, led) in partitions.items()
        if led is not None
    }
    return ClusterState(
        controller_id=0,
        controller_epoch=CONTROLLER_EPOCH,
        brokers=brokers(live),
        topics={"t": TopicAssignment(TOPIC_ID, assignments, version=2)},
        leadership=leadership,
        **fields,  # type: ignore[arg-type]
    )


def rules(*, unclean: bool = False, deletes: bool = True, **fields: object) -> Rules:
    return Rules("PLAINTEXT", deletes, lambda topic: unclean, **fields)  # type: ignore[arg-type]


def decide(state: ClusterState, event: Event, **options: bool) -> Decision:
    return rules(**options).decide(state, event)


def state_of(state: ClusterState, number: int = 0) -> tuple[int, int, tuple[int, ...]]:
    """A partition's leader, leader epoch and ISR."""
    known = state.leadership[tp(number)].leader_and_isr
    return known.leader, known.leader_epoch, known.isr


def letters(decision: Decision) -> list[tuple[int, str, list[str]]]:
    """The requests in their order: to whom, what (`lead`, `know`, `stop`), and about which partitions.

    New replicas are marked with `+`, replicas to be deleted with `-`.
    """
    return [(each.node_id, *_letter(each.request)) for each in decision.requests]


def _letter(
    request: LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest,
) -> tuple[str, list[str]]:
    match request:
        case LeaderAndIsrRequest():
            return "lead", [
                f"{topic.topic_name}-{each.partition_index}{'+' if each.is_new else ''}"
                for topic in request.topic_states
                for each in topic.partition_states
            ]
        case UpdateMetadataRequest():
            return "know", [
                f"{topic.topic_name}-{each.partition_index}"
                for topic in request.topic_states
                for each in topic.partition_states
            ]
        case StopReplicaRequest():
            return "stop", [
                f"{topic.topic_name}-{each.partition_index}{'-' if each.delete_partition else ''}"
                for topic in request.topic_states
                for each in topic.partition_states
            ]
