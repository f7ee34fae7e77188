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


@dataclass(frozen=True, slots=True)
class LiveBroker:
    """A registered broker; `epoch` is the zxid that created its registration."""

    node_id: int
    epoch: int
    registration: BrokerRegistration


@dataclass(frozen=True, slots=True)
class Replica:
    """A partition on one broker."""

    topic_partition: TopicPartition
    node_id: int


@dataclass(frozen=True, slots=True)
class Leadership:
    """A partition's state as the store has it; `partition_epoch` is its node's version."""

    leader_and_isr: LeaderAndIsr
    partition_epoch: int


@dataclass(frozen=True, slots=True)
class ClusterState:
    """Everything a decision may look at. A partition has no `leadership` until it was first led."""

    controller_id: int
    controller_epoch: int
    brokers: Mapping[int, LiveBroker] = field(default_factory=dict)
    topics: Mapping[str, TopicAssignment] = field(default_factory=dict)
    leadership: Mapping[TopicPartition, Leadership] = field(default_factory=dict)
    deleting: frozenset[str] = frozenset()
    """Topics that /admin/delete_topics names and that exist."""
    deleted_replicas: frozenset[Replica] = frozenset()
    """Replicas of those that their brokers have deleted."""

    def with_leadership(self, changed: Mapping[TopicPartition, Leadership]) -> ClusterState:
        """Give this state with other leaders and ISRs for some partitions."""
        return replace(self, leadership={**self.leadership, **changed})

    def without_topics(self, names: Collection[str]) -> ClusterState:
        """Give this state as if these topics had never been."""
        if not names:
            return self
        return replace(
            self,
            topics={name: topic for name, topic in self.topics.items() if name not in names},
            leadership={tp: known for tp, known in self.leadership.items() if tp.topic not in names},
            deleting=self.deleting - frozenset(names),
            deleted_replicas=frozenset(
                r for r in self.deleted_replicas if r.topic_partition.topic not in names
            ),
        )

    def partitions(self) -> Iterator[TopicPartition]:
        """Every partition that is assigned, topic by topic."""
        for name, topic in self.topics.items():
            for number in topic.partitions:
                yield TopicPartition(name, number)

    def topic_partitions(self, topic: str) -> list[TopicPartition]:
        """The assigned partitions of a known topic."""
        return [TopicPartition(topic, number) for number in self.topics[topic].partitions]

    def replicas_on(self, node_id: int) -> Iterator[TopicPartition]:
        """The partitions of which a broker is to have a replica."""
        for topic_partition in self.partitions():
            if node_id in self.assignment(topic_partition).replicas:
                yield topic_partition

    def assignment(self, topic_partition: TopicPartition) -> ReplicaAssignment:
        """Where a partition's replicas are to be; KeyError for an unknown partition."""
        return self.topics[topic_partition.topic].partitions[topic_partition.partition]

    def is_online(self, node_id: int) -> bool:
        """Tell whether a broker lives, and its replicas with it."""
        return node_id in self.brokers

    def live_replicas(self, topic_partition: TopicPartition) -> tuple[int, ...]:
        """The living brokers among a partition's replicas, in the order of its assignment."""
        return tuple(node for node in self.assignment(topic_partition).replicas if self.is_online(node))

    def is_offline(self, topic_partition: TopicPartition) -> bool:
        """Tell whether a partition that was led once has no living leader now."""
        leadership = self.leadership.get(topic_partition)
        if leadership is None:
            return False
        leader = leadership.leader_and_isr.leader
        return leader == NO_LEADER or not self.is_online(leader)
