"""How a topic ends: nobody knows it any more, every replica is deleted, then its nodes go. Pure.

A topic whose replicas lie on a dead broker stays in /admin/delete_topics until that broker is back, and one
whose replicas cannot be deleted (a failed disk) until the next attempt: the return of the broker or the next
controller. While replicas of a topic move, its deletion waits until they have arrived.
Source: kafka.controller.TopicDeletionManager.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from odradek.controller.decision import DeleteTree, Write
from odradek.controller.events import DeletionsChanged, ReplicasStopped
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import ClusterState, Replica
from odradek.metadata import paths


def deletions_changed(
    state: ClusterState, event: DeletionsChanged, mail: Mailbag, *, enabled: bool
) -> tuple[ClusterState, tuple[Write, ...]]:
    """Begin to delete topics; wishes about topics that do not exist, or all if not enabled, are dropped."""
    dropped = {topic for topic in event.topics if not enabled or topic not in state.topics}
    new = event.topics - dropped - state.deleting
    state = replace(state, deleting=state.deleting | new)
    wishes = tuple(DeleteTree(paths.delete_topic(topic)) for topic in sorted(dropped))
    state, removed = begin(state, sorted(new), mail)
    return state, wishes + removed


def begin(
    state: ClusterState, topics: Iterable[str], mail: Mailbag
) -> tuple[ClusterState, tuple[Write, ...]]:
    """Begin with topics that are to be deleted, unless their replicas are moving."""
    ready = [topic for topic in topics if not state.is_reassigning(topic)]
    for topic in ready:
        mail.tell(state.brokers, state.topic_partitions(topic))
    stop_replicas(state, ready, state.brokers, mail)
    return _remove_finished(state, ready)


def stop_replicas(state: ClusterState, topics: Iterable[str], nodes: Collection[int], mail: Mailbag) -> None:
    """Have brokers delete what they still have of topics being deleted."""
    for topic in topics:
        if not state.is_reassigning(topic):
            for replica in sorted(_replicas(state, topic) - state.deleted_replicas):
                if replica.node_id in nodes:
                    mail.stop(replica.node_id, replica.topic_partition, delete=True)


def replicas_stopped(state: ClusterState, event: ReplicasStopped) -> tuple[ClusterState, tuple[Write, ...]]:
    """Note what a broker has deleted, and remove the topics of which nothing is left."""
    deleted = {
        Replica(topic_partition, event.node_id)
        for topic_partition, error in event.errors.items()
        if error == 0 and topic_partition.topic in state.deleting
    }
    state = replace(state, deleted_replicas=state.deleted_replicas | deleted)
    return _remove_finished(state, {replica.topic_partition.topic for replica in deleted})


def _remove_finished(state: ClusterState, topics: Iterable[str]) -> tuple[ClusterState, tuple[Write, ...]]:
    """Forget those of the topics that have no replica left, and remove their nodes, the wish last."""
    finished = frozenset(topic for topic in topics if _replicas(state, topic) <= state.deleted_replicas)
    writes = tuple(
        DeleteTree(path)
        for topic in sorted(finished)
        for path in (paths.topic(topic), paths.config("topics", topic), paths.delete_topic(topic))
    )
    return state.without_topics(finished), writes


def _replicas(state: ClusterState, topic: str) -> frozenset[Replica]:
    return frozenset(
        Replica(topic_partition, node_id)
        for topic_partition in state.topic_partitions(topic)
        for node_id in state.assignment(topic_partition).replicas
    )
