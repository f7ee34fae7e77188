"""ClusterState: what the controller holds in memory of the cluster; one immutable value per decision.

Pure. It is rebuilt from the store on election and afterwards replaced by each decision's own state.
Source of the rules: kafka.controller.ControllerContext.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import (
    NO_LEADER,
    BrokerRegistration,
    LeaderAndIsr,
    ReplicaAssignment,
    TopicAssignment,
)
from odradek.value_object import value_object


@value_object
class LiveBroker:
    """A registered broker; `epoch` is the zxid that created its registration."""

    node_id: int
    epoch: int
    registration: BrokerRegistration


@dataclass(frozen=True, slots=True, order=True)
class Replica:
    """A partition on one broker."""

    topic_partition: TopicPartition
    node_id: int


@value_object
class Leadership:
    """A partition's state as the store has it; `partition_epoch` is its node's version."""

    leader_and_isr: LeaderAndIsr
    partition_epoch: int


@value_object
class ClusterState:
    """Everything a decision may look at. A partition has no `leadership` until it was first led."""

    controller_id: int
    controller_epoch: int
    brokers: Mapping[int, LiveBroker] = field(default_factory=dict)
    """Those that are registered, by id, lowest first."""
    shutting_down: frozenset[int] = frozenset()
    """Those of them that asked to stop: they are told everything and elected for nothing."""
    topics: Mapping[str, TopicAssignment] = field(default_factory=dict)
    leadership: Mapping[TopicPartition, Leadership] = field(default_factory=dict)
    failed_replicas: frozenset[Replica] = frozenset()
    """Replicas in log directories that failed, on brokers that live."""
    deleting: frozenset[str] = frozenset()
    """Topics that /admin/delete_topics names and that exist."""
    deleted_replicas: frozenset[Replica] = frozenset()
    """Replicas of those that their brokers have deleted."""
    reassigned_by_node: Mapping[TopicPartition, tuple[int, ...]] = field(default_factory=dict)
    """What /admin/reassign_partitions holds, while it is being done."""

    def with_leadership(self, changed: Mapping[TopicPartition, Leadership]) -> ClusterState:
        """Give this state with other leaders and ISRs for some partitions."""
        return replace(self, leadership={**self.leadership, **changed}) if changed else self

    def without_topics(self, names: Collection[str]) -> ClusterState:
        """Give this state as if these topics had never been."""
        if not names:
            return self
        return replace(
            self,
            topics={name: topic for name, topic in self.topics.items() if name not in names},
            leadership={tp: known for tp, known in self.leadership.items() if tp.topic not in names},
            failed_replicas=frozenset(
                r for r in self.failed_replicas if r.topic_partition.topic not in names
            ),
            deleting=self.deleting - frozenset(names),
            deleted_replicas=frozenset(
                r for r in self.deleted_replicas if r.topic_partition.topic not in names
            ),
        )

    def without_unassigned(self, topics: Collection[str]) -> ClusterState:
        """Give this state without leaders of partitions that these topics no longer have."""
        left = {tp: known for tp, known in self.leadership.items() if tp.topic not in topics or tp in self}
        return self if len(left) == len(self.leadership) else replace(self, leadership=left)

    def partitions(self) -> Iterator[TopicPartition]:
        """Every partition that is assigned, topic by topic."""
        for name, topic in self.topics.items():
            for number in topic.partitions:
                yield TopicPartition(name, number)

    def topic_partitions(self, topic: str) -> list[TopicPartition]:
        """The assigned partitions of a known topic."""
        return [TopicPartition(topic, number) for number in self.topics[topic].partitions]

    def __contains__(self, topic_partition: TopicPartition) -> bool:
        """Tell whether a partition is assigned."""
        topic = self.topics.get(topic_partition.topic)
        return topic is not None and topic_partition.partition in topic.partitions

    def replicas_on(self, nodes: Collection[int]) -> Iterator[tuple[TopicPartition, int]]:
        """The partitions, and on which of these brokers each is to have a replica."""
        for name, topic in self.topics.items():
            for number, assignment in topic.partitions.items():
                for node_id in assignment.replicas:
                    if node_id in nodes:
                        yield TopicPartition(name, number), node_id

    def assignment(self, topic_partition: TopicPartition) -> ReplicaAssignment:
        """Where a partition's replicas are to be; KeyError for an unknown partition."""
        return self.topics[topic_partition.topic].partitions[topic_partition.partition]

    @property
    def reassigning(self) -> Iterator[TopicPartition]:
        """The partitions whose replicas are moving."""
        for name, topic in self.topics.items():
            for number, assignment in topic.partitions.items():
                if assignment.is_being_reassigned:
                    yield TopicPartition(name, number)

    def is_reassigning(self, topic: str) -> bool:
        """Tell whether replicas of any of a known topic's partitions are moving."""
        return any(each.is_being_reassigned for each in self.topics[topic].partitions.values())

    def is_online(self, node_id: int, topic_partition: TopicPartition, *, or_stopping: bool = False) -> bool:
        """Tell whether a replica lives: its broker and its log directory; not if the broker is stopping."""
        return (
            node_id in self.brokers
            and (or_stopping or node_id not in self.shutting_down)
            and (not self.failed_replicas or Replica(topic_partition, node_id) not in self.failed_replicas)
        )

    def online_replicas(
        self, topic_partition: TopicPartition, *, or_stopping: bool = False
    ) -> tuple[int, ...]:
        """A partition's living replicas, in the order of its assignment."""
        return tuple(
            node
            for node in self.assignment(topic_partition).replicas
            if self.is_online(node, topic_partition, or_stopping=or_stopping)
        )

    def reachable_replicas(self, topic_partition: TopicPartition) -> tuple[int, ...]:
        """Those of a partition's replicas whose brokers can be told something."""
        return tuple(node for node in self.assignment(topic_partition).replicas if node in self.brokers)

    def is_offline(self, topic_partition: TopicPartition) -> bool:
        """Tell whether a partition that was led once has no living leader now.

        A broker that is stopping goes on leading what nobody else can lead.
        """
        leadership = self.leadership.get(topic_partition)
        if leadership is None:
            return False
        leader = leadership.leader_and_isr.leader
        return leader == NO_LEADER or not self.is_online(leader, topic_partition, or_stopping=True)
