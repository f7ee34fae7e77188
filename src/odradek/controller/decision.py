"""Decision: what the controller makes of an event, as a value: a new state, writes, and requests.

The writes are committed as one, conditional on the controller's epoch; only then the state holds and the
requests go out. `LeadershipChanges` and `Mailbag` are the parts that most decisions share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from odradek.controller import requests
from odradek.controller.state import ClusterState, Leadership
from odradek.coordination.store import Create, Delete, Set
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr
from odradek.peers.control_channels import ControlRequest


@dataclass(frozen=True, slots=True)
class DeleteTree:
    """Remove a node with everything below it, if it is there."""

    path: str


Write = Create | Set | Delete | DeleteTree
"""A change to the store; whoever commits it creates the missing parents of a Create."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request for one broker."""

    node_id: int
    request: ControlRequest


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an event."""

    state: ClusterState
    writes: tuple[Write, ...] = ()
    requests: tuple[Outgoing, ...] = ()


@dataclass(slots=True)
class LeadershipChanges:
    """Leaders and ISRs being changed by one decision: the writes that do it, and the state with them."""

    state: ClusterState
    changed: dict[TopicPartition, Leadership] = field(default_factory=dict)

    def set(self, topic_partition: TopicPartition, leader_and_isr: LeaderAndIsr) -> None:
        """Give a partition its first, or another, leader and ISR."""
        before = self.state.leadership.get(topic_partition)
        epoch = before.partition_epoch + 1 if before else 0
        self.changed[topic_partition] = Leadership(leader_and_isr, epoch)

    def current(self, topic_partition: TopicPartition) -> LeaderAndIsr | None:
        """The leader and ISR that hold after the changes so far; None for a partition never led."""
        leadership = self.changed.get(topic_partition) or self.state.leadership.get(topic_partition)
        return leadership.leader_and_isr if leadership else None

    def is_new(self, topic_partition: TopicPartition) -> bool:
        """Tell whether these changes give the partition its first leader."""
        return topic_partition in self.changed and topic_partition not in self.state.leadership

    def new_state(self) -> ClusterState:
        return self.state.with_leadership(self.changed)

    def writes(self) -> tuple[Write, ...]:
        """The writes, one for each partition, conditional on the version it was decided upon."""
        return tuple(self._write(topic_partition) for topic_partition in self.changed)

    def _write(self, topic_partition: TopicPartition) -> Write:
        path = paths.partition_state(topic_partition)
        data = self.changed[topic_partition].leader_and_isr.encode()
        before = self.state.leadership.get(topic_partition)
        return Create(path, data) if before is None else Set(path, data, version=before.partition_epoch)


@dataclass(slots=True)
class Mailbag:
    """What one decision tells brokers: at most one request of a kind each, in Kafka's order of kinds."""

    leadership: dict[int, dict[TopicPartition, bool]] = field(default_factory=dict)
    metadata: dict[int, dict[TopicPartition, None]] = field(default_factory=dict)
    stops: dict[int, dict[TopicPartition, None]] = field(default_factory=dict)

    def lead(self, nodes: Iterable[int], topic_partition: TopicPartition, *, is_new: bool) -> None:
        """Tell brokers to lead or follow a partition."""
        for node_id in nodes:
            self.leadership.setdefault(node_id, {})[topic_partition] = is_new

    def tell(self, nodes: Iterable[int], partitions: Iterable[TopicPartition]) -> None:
        """Tell brokers of partitions, or of the living brokers alone."""
        told = dict.fromkeys(partitions)
        for node_id in nodes:
            self.metadata.setdefault(node_id, {}).update(told)

    def stop(self, node_id: int, topic_partition: TopicPartition) -> None:
        """Tell a broker to delete its replica of a partition."""
        self.stops.setdefault(node_id, {})[topic_partition] = None

    def requests(self, state: ClusterState, *, inter_broker_listener: str) -> tuple[Outgoing, ...]:
        """Write the requests, for the living among their receivers."""
        mail: list[Outgoing] = []
        for node_id, partitions in self.leadership.items():
            if state.is_online(node_id):
                request = requests.leader_and_isr(
                    state, node_id, partitions, inter_broker_listener=inter_broker_listener
                )
                mail.append(Outgoing(node_id, request))
        for node_id, told in self.metadata.items():
            if state.is_online(node_id):
                mail.append(Outgoing(node_id, requests.update_metadata(state, node_id, told)))
        for node_id, stopped in self.stops.items():
            if state.is_online(node_id):
                mail.append(Outgoing(node_id, requests.stop_replica(state, node_id, stopped)))
        return tuple(mail)
