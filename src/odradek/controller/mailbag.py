"""Mailbag: what one decision tells brokers, collected and then written as few requests.

Each broker gets at most one request of a kind, in Kafka's order of kinds, after an introduction: brokers
must know of a living broker before they are told to follow it. Pure.
Source: kafka.controller.AbstractControllerBrokerRequestBatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from odradek.controller import requests
from odradek.controller.decision import Outgoing
from odradek.controller.state import ClusterState
from odradek.metadata.topic_partition import TopicPartition


@dataclass(slots=True, eq=False, repr=False)
class Mailbag:
    """Letters by receiver."""

    introductions: dict[int, dict[TopicPartition, None]] = field(default_factory=dict)
    leadership: dict[int, dict[TopicPartition, bool]] = field(default_factory=dict)
    metadata: dict[int, dict[TopicPartition, None]] = field(default_factory=dict)
    stops: dict[int, dict[TopicPartition, bool]] = field(default_factory=dict)

    def introduce(self, nodes: Iterable[int], partitions: Iterable[TopicPartition] = ()) -> None:
        """Tell brokers who lives, and of these partitions, before anything else."""
        told = dict.fromkeys(partitions)
        for node_id in nodes:
            self.introductions.setdefault(node_id, {}).update(told)

    def lead(self, nodes: Iterable[int], topic_partition: TopicPartition, *, is_new: bool) -> None:
        """Tell brokers to lead or follow a partition; one that was new in this bag stays so."""
        for node_id in nodes:
            letters = self.leadership.setdefault(node_id, {})
            letters[topic_partition] = is_new or letters.get(topic_partition, False)

    def tell(self, nodes: Iterable[int], partitions: Iterable[TopicPartition]) -> None:
        """Tell brokers of partitions, or of the living brokers alone."""
        told = dict.fromkeys(partitions)
        for node_id in nodes:
            self.metadata.setdefault(node_id, {}).update(told)

    def stop(self, node_id: int, topic_partition: TopicPartition, *, delete: bool) -> None:
        """Tell a broker to follow a partition no more, or even to delete its replica."""
        letters = self.stops.setdefault(node_id, {})
        letters[topic_partition] = delete or letters.get(topic_partition, False)

    def requests(self, state: ClusterState, *, inter_broker_listener: str) -> tuple[Outgoing, ...]:
        """Write the requests, for the living among their receivers."""
        mail = [
            Outgoing(node_id, requests.update_metadata(state, node_id, told))
            for node_id, told in self.introductions.items()
            if node_id in state.brokers
        ]
        for node_id, partitions in self.leadership.items():
            if node_id in state.brokers:
                request = requests.leader_and_isr(
                    state, node_id, partitions, inter_broker_listener=inter_broker_listener
                )
                mail.append(Outgoing(node_id, request))
        for node_id, told in self.metadata.items():
            is_news = told or node_id not in self.introductions
            if node_id in state.brokers and is_news:
                mail.append(Outgoing(node_id, requests.update_metadata(state, node_id, told)))
        for node_id, stopped in self.stops.items():
            if node_id in state.brokers:
                mail.append(Outgoing(node_id, requests.stop_replica(state, node_id, stopped)))
        return tuple(mail)
