"""Where a partition's leader is, for an answer that says NOT_LEADER_OR_FOLLOWER (KIP-951).

The client goes there at once instead of asking for metadata first. Kafka: KafkaApis.getCurrentLeader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from odradek.metadata.hash_order import scala_order
from odradek.metadata.topic_partition import TopicPartition

if TYPE_CHECKING:
    from odradek.api.context import RequestContext


class Node(NamedTuple):
    """A living broker, as the listener that the request came in by reaches it."""

    node_id: int
    host: str
    port: int
    rack: str | None


class CurrentLeader(NamedTuple):
    """-1 both where nobody is known to lead; `node` None where the leader cannot be reached."""

    leader_id: int
    leader_epoch: int
    node: Node | None


def current_leader(ctx: RequestContext, topic: str, partition: int) -> CurrentLeader:
    """What this broker knows: its own replica's word, else the metadata's."""
    snapshot = ctx.services.metadata.snapshot
    hosted = ctx.services.replicas.find(topic, partition)
    known = hosted if hosted is not None and not hosted.is_offline else None
    if known is not None:
        leader_id, leader_epoch = known.leader_id, known.leader_epoch
    else:
        state = snapshot.partition(TopicPartition(topic, partition))
        leader_id, leader_epoch = (-1, -1) if state is None else (state.leader, state.leader_epoch)
    broker = snapshot.brokers.get(leader_id)
    endpoint = None if broker is None else broker.endpoints.get(ctx.listener_name)
    if broker is None or endpoint is None:
        return CurrentLeader(leader_id, leader_epoch, None)
    return CurrentLeader(leader_id, leader_epoch, Node(leader_id, endpoint.host, endpoint.port, broker.rack))


class _Endpoint(Protocol):
    node_id: int


Endpoint = TypeVar("Endpoint", bound=_Endpoint)


def add_endpoint(endpoints: list[Endpoint], endpoint: Endpoint) -> None:
    """Name a leader's address once, where the table of Kafka's KafkaApis has it."""
    by_id = {each.node_id: each for each in (*endpoints, endpoint)}
    endpoints[:] = [by_id[node_id] for node_id in scala_order(by_id, lambda node_id: node_id)]
