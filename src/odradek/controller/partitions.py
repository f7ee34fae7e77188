"""What becomes of partitions when topics, their assignments or the living brokers change. Pure.

New partitions get their first leader, those without a living leader another one, dead brokers leave the
ISRs; whoever has a replica is told to lead or follow, and everybody is told the outcome.
Source: kafka.controller.ZkPartitionStateMachine, ZkReplicaStateMachine, KafkaController.onBroker*.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from odradek.controller import elections
from odradek.controller.decision import LeadershipChanges, Mailbag
from odradek.controller.events import BrokersChanged, Elected, TopicsChanged
from odradek.controller.state import ClusterState
from odradek.metadata.topic_partition import TopicPartition

UncleanElection = Callable[[str], bool]
"""Whether a topic allows unclean leader election."""


def take_over(
    state: ClusterState, event: Elected, mail: Mailbag, unclean: UncleanElection
) -> LeadershipChanges:
    """Begin as controller: bring up what can be led, and tell every broker everything."""
    state = replace(state, brokers=event.brokers, topics=event.topics, leadership=event.leadership)
    changes = LeadershipChanges(state)
    _take_out(changes, event.stopped)
    _bring_online(changes, list(state.partitions()), unclean)
    in_sync = {node for known in state.leadership.values() for node in known.leader_and_isr.isr}
    _take_out(changes, in_sync - state.brokers.keys())
    for node_id in state.brokers:
        mail.tell([node_id], state.partitions())
        _lead_all_on(changes, node_id, mail)
    return changes


def topics_changed(state: ClusterState, event: TopicsChanged, mail: Mailbag) -> LeadershipChanges:
    """Begin the partitions that are new; forget topics that are gone, or that are others of the same name."""
    replaced = {
        name
        for name, topic in event.changed.items()
        if name in state.topics and state.topics[name].topic_id != topic.topic_id
    }
    state = state.without_topics(event.gone | replaced)
    state = replace(state, topics={**state.topics, **event.changed})
    changes = LeadershipChanges(state)
    for name in event.changed:
        if name not in state.deleting:
            _begin_new(changes, state.topic_partitions(name))
    _announce(changes, mail)
    return changes


def brokers_changed(
    state: ClusterState, event: BrokersChanged, mail: Mailbag, unclean: UncleanElection
) -> LeadershipChanges:
    """Elect for the dead, employ the new. A broker with another epoch died and came back in between."""
    came = {
        node_id
        for node_id, broker in event.brokers.items()
        if node_id not in state.brokers or state.brokers[node_id].epoch != broker.epoch
    }
    went = {node_id for node_id in state.brokers if node_id not in event.brokers or node_id in came}
    before = replace(state, brokers={n: b for n, b in event.brokers.items() if n not in came})
    changes = LeadershipChanges(before)
    if went:
        _bring_online(changes, [tp for tp in before.partitions() if before.is_offline(tp)], unclean)
        _take_out(changes, went)
    changes.state = replace(state, brokers=event.brokers)
    if came:
        _bring_online(changes, list(state.partitions()), unclean)
    mail.tell(event.brokers, ())
    _announce(changes, mail)
    for node_id in sorted(came):
        mail.tell([node_id], state.partitions())
        _lead_all_on(changes, node_id, mail)
    return changes


def _begin_new(changes: LeadershipChanges, partitions: Iterable[TopicPartition]) -> None:
    for topic_partition in partitions:
        if changes.current(topic_partition) is None:
            live = changes.state.live_replicas(topic_partition)
            first = elections.first_leader(live, controller_epoch=changes.state.controller_epoch)
            if first is not None:
                changes.set(topic_partition, first)


def _bring_online(
    changes: LeadershipChanges, partitions: list[TopicPartition], unclean: UncleanElection
) -> None:
    """Begin the new ones and elect for the offline ones, where anybody can lead; not while deleted."""
    state = changes.state
    partitions = [tp for tp in partitions if tp.topic not in state.deleting]
    _begin_new(changes, partitions)
    for topic_partition in partitions:
        current = changes.current(topic_partition)
        if current is not None and not state.is_online(current.leader):
            elected = elections.leader_for_offline(
                current,
                state.assignment(topic_partition).replicas,
                state.brokers,
                unclean=unclean(topic_partition.topic),
                controller_epoch=state.controller_epoch,
            )
            if elected is not None:
                changes.set(topic_partition, elected)


def _take_out(changes: LeadershipChanges, dead: Collection[int]) -> None:
    state = changes.state
    for topic_partition in state.leadership:
        if topic_partition.topic in state.deleting:
            continue
        for node_id in dead:
            current = changes.current(topic_partition)
            assert current is not None
            shrunk = elections.without_replica(current, node_id, controller_epoch=state.controller_epoch)
            if shrunk is not None:
                changes.set(topic_partition, shrunk)


def _announce(changes: LeadershipChanges, mail: Mailbag) -> None:
    for topic_partition in changes.changed:
        live = changes.state.live_replicas(topic_partition)
        mail.lead(live, topic_partition, is_new=changes.is_new(topic_partition))
    if changes.changed:
        mail.tell(changes.state.brokers, changes.changed)


def _lead_all_on(changes: LeadershipChanges, node_id: int, mail: Mailbag) -> None:
    for topic_partition in changes.state.replicas_on(node_id):
        led = changes.current(topic_partition) is not None
        if led and topic_partition.topic not in changes.state.deleting:
            mail.lead([node_id], topic_partition, is_new=changes.is_new(topic_partition))
