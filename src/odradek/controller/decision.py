"""Decision: what the controller makes of an event, as a value: a new state, writes, requests, an answer.

The writes are committed as one, conditional on the controller's epoch; only then the state holds and the
requests go out. `Changes` is the part that most decisions share; what they tell brokers is in `mailbag`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from odradek.controller.state import ClusterState, Leadership
from odradek.coordination.store import ANY_VERSION, Create, Delete, Set
from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr, ReplicaAssignment
from odradek.peers.control_channels import ControlRequest
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.controller.events import Event


@value_object
class DeleteTree:
    """Remove a node with everything below it, if it is there."""

    path: str


Write = Create | Set | Delete | DeleteTree
"""A change to the store; whoever commits it creates the missing parents of a Create."""


@value_object
class Outgoing:
    """A request for one broker."""

    node_id: int
    request: ControlRequest


@value_object
class Decision:
    """What follows from an event. `answer` is for whoever asked for it, `then` is to be decided next."""

    state: ClusterState
    writes: tuple[Write, ...] = ()
    requests: tuple[Outgoing, ...] = ()
    answer: object = None
    then: tuple[Event, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Changes:
    """Leaders, ISRs and assignments being changed by one decision: the writes that do it, and the state.

    `state` has the assignments as they are after the changes so far, and leaders as they were before.
    """

    state: ClusterState
    led: dict[TopicPartition, Leadership] = field(default_factory=dict)
    """The partitions that get another leader, ISR or epoch."""
    _assigned: dict[str, int] = field(default_factory=dict)
    """The topics that get another assignment, and the versions of their nodes before."""

    def set(self, topic_partition: TopicPartition, leader_and_isr: LeaderAndIsr) -> None:
        """Give a partition its first, or another, leader and ISR."""
        before = self.state.leadership.get(topic_partition)
        epoch = before.partition_epoch + 1 if before else 0
        self.led[topic_partition] = Leadership(leader_and_isr, epoch)

    def current(self, topic_partition: TopicPartition) -> LeaderAndIsr | None:
        """The leader and ISR that hold after the changes so far; None for a partition never led."""
        leadership = self.led.get(topic_partition) or self.state.leadership.get(topic_partition)
        return leadership.leader_and_isr if leadership else None

    def is_new(self, topic_partition: TopicPartition) -> bool:
        """Tell whether these changes give the partition its first leader."""
        return topic_partition in self.led and topic_partition not in self.state.leadership

    def take_leaders_for_recovered(self) -> None:
        """Have no partition recover from an unclean election, among brokers that could not be told."""
        for topic_partition, leadership in self.led.items():
            if leadership.leader_and_isr.is_recovering:
                recovered = replace(leadership.leader_and_isr, is_recovering=False)
                self.led[topic_partition] = Leadership(recovered, leadership.partition_epoch)

    def assign(self, topic_partition: TopicPartition, assignment: ReplicaAssignment) -> None:
        """Have a partition of a known topic have other replicas."""
        name, number = topic_partition
        topic = self.state.topics[name]
        version = self._assigned.setdefault(name, topic.version)
        changed = replace(
            topic,
            partitions={**topic.partitions, number: assignment},
            version=ANY_VERSION if version == ANY_VERSION else version + 1,
        )
        self.state = replace(self.state, topics={**self.state.topics, name: changed})

    def new_state(self) -> ClusterState:
        return self.state.with_leadership(self.led)

    def writes(self) -> tuple[Write, ...]:
        """One write for each partition or topic, conditional on the version it was decided upon."""
        topics = self.state.topics
        assignments = tuple(
            Set(paths.topic(name), topics[name].encode(), version=version)
            for name, version in self._assigned.items()
        )
        return assignments + tuple(self._write(topic_partition) for topic_partition in self.led)

    def _write(self, topic_partition: TopicPartition) -> Write:
        path = paths.partition_state(topic_partition)
        data = self.led[topic_partition].leader_and_isr.encode()
        before = self.state.leadership.get(topic_partition)
        return Create(path, data) if before is None else Set(path, data, version=before.partition_epoch)
