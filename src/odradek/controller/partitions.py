"""What becomes of partitions when topics, their assignments, brokers or log directories change. Pure.

New partitions get their first leader, those without a living leader another one, dead replicas leave the
ISRs; whoever has a replica is told to lead or follow, and everybody is told the outcome.
Source: kafka.controller.ZkPartitionStateMachine, ZkReplicaStateMachine, KafkaController.onBroker*.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from odradek.controller import elections
from odradek.controller.decision import Changes
from odradek.controller.events import (
    BrokersChanged,
    Elected,
    Event,
    LogDirsFailed,
    ReplicasAnswered,
    TopicsChanged,
    UncleanElectionEnabled,
)
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import ClusterState, Replica
from odradek.metadata.topic_partition import TopicPartition

UncleanElection = Callable[[str], bool]
"""Whether a topic allows unclean leader election."""


def dark_topics(state: ClusterState, event: Event) -> list[str]:
    """Name those that only unclean elections can have led after an event: nobody in some ISR lives."""
    leadership, failed = state.leadership, state.failed_replicas
    living: Collection[int] = state.brokers
    match event:
        case Elected():
            leadership, living = event.leadership, event.brokers
        case BrokersChanged():
            living = {
                node_id
                for node_id, broker in event.brokers.items()
                if node_id in state.brokers and state.brokers[node_id].epoch == broker.epoch
            }
        case ReplicasAnswered():
            failed |= event.failed
        case UncleanElectionEnabled():
            pass
        case _:
            return []
    return sorted({
        tp.topic
        for tp, known in leadership.items()
        if not any(
            node_id in living and Replica(tp, node_id) not in failed for node_id in known.leader_and_isr.isr
        )
    })  # fmt: skip


def take_over(state: ClusterState, event: Elected, mail: Mailbag, unclean: UncleanElection) -> Changes:
    """Begin as controller: bring up what can be led, and tell every broker everything."""
    state = replace(state, brokers=event.brokers, topics=event.topics, leadership=event.leadership)
    changes = Changes(state)
    in_sync = {node for known in state.leadership.values() for node in known.leader_and_isr.isr}
    # Like Kafka's, a new controller takes the dead out before it elects: that is two epochs.
    _take_out(changes, _in_sync_on(state, (in_sync - state.brokers.keys()) | event.stopped))
    _bring_online(changes, list(state.partitions()), unclean)
    mail.introduce(state.brokers)
    mail.tell(state.brokers, state.partitions())
    _lead_all_on(changes, state.brokers, mail)
    return changes


def topics_changed(state: ClusterState, event: TopicsChanged, mail: Mailbag) -> Changes:
    """Begin the partitions that are new; forget topics that are gone, or that are others of the same name."""
    replaced = {
        name
        for name, topic in event.changed.items()
        if name in state.topics and state.topics[name].topic_id != topic.topic_id
    }
    state = state.without_topics(event.gone | replaced)
    state = replace(state, topics={**state.topics, **event.changed}).without_unassigned(event.changed)
    changes = Changes(state)
    for name in event.changed:
        if name not in state.deleting:
            _begin_new(changes, state.topic_partitions(name))
    announce(changes, mail)
    return changes


def brokers_changed(
    state: ClusterState, event: BrokersChanged, mail: Mailbag, unclean: UncleanElection
) -> Changes:
    """Elect for the dead, employ the new. A broker with another epoch died and came back in between."""
    came = {
        node_id
        for node_id, broker in event.brokers.items()
        if node_id not in state.brokers or state.brokers[node_id].epoch != broker.epoch
    }
    went = {node_id for node_id in state.brokers if node_id not in event.brokers or node_id in came}
    state = replace(
        state,
        shutting_down=state.shutting_down - went,
        failed_replicas=frozenset(r for r in state.failed_replicas if r.node_id not in went | came),
    )
    before = replace(state, brokers={n: b for n, b in event.brokers.items() if n not in came})
    changes = Changes(before)
    if went:
        _bring_online(changes, [tp for tp in before.partitions() if before.is_offline(tp)], unclean)
        _take_out(changes, _in_sync_on(before, went))
    changes.state = replace(state, brokers=event.brokers)
    mail.introduce(event.brokers)
    if came:
        _bring_online(changes, list(state.partitions()), unclean)
        # All at once: a broker that knew its neighbours but no topics yet would deny them to its clients.
        mail.introduce(came, state.partitions())
        _lead_all_on(changes, came, mail)
    # Which replicas are offline is news to everybody, whoever leads.
    mail.tell(event.brokers, (tp for tp, _ in state.replicas_on(went | came)))
    announce(changes, mail)
    return changes


def log_dirs_failed(state: ClusterState, event: LogDirsFailed, mail: Mailbag) -> Changes:
    """Ask brokers which of their replicas are left, by telling them again to lead and to follow."""
    changes = Changes(state)
    _lead_all_on(changes, event.brokers, mail)
    return changes


def replicas_answered(
    state: ClusterState, event: ReplicasAnswered, mail: Mailbag, unclean: UncleanElection
) -> Changes:
    """Take replicas for dead whose log directory failed, and for alive that are there again."""
    failed = event.failed - state.failed_replicas
    failed_replicas = (state.failed_replicas - event.online) | event.failed
    if failed_replicas == state.failed_replicas:
        return Changes(state)
    state = replace(state, failed_replicas=failed_replicas)
    changes = Changes(state)
    _bring_online(changes, [tp for tp in state.partitions() if state.is_offline(tp)], unclean)
    _take_out(changes, sorted(replica for replica in failed if replica.topic_partition in state.leadership))
    mail.tell(state.brokers, sorted({replica.topic_partition for replica in failed}))
    announce(changes, mail)
    return changes


def unclean_election_enabled(
    state: ClusterState, topic: str | None, mail: Mailbag, unclean: UncleanElection
) -> Changes:
    """Elect for partitions that nobody in sync can lead, now that others may."""
    changes = Changes(state)
    names = state.topics if topic is None else state.topics.keys() & {topic}
    _bring_online(changes, [tp for name in names for tp in state.topic_partitions(name)], unclean)
    announce(changes, mail)
    return changes


def announce(changes: Changes, mail: Mailbag) -> None:
    """Tell the replicas of what changed to lead or follow, and everybody of it."""
    for topic_partition in changes.led:
        reachable = changes.state.reachable_replicas(topic_partition)
        mail.lead(reachable, topic_partition, is_new=changes.is_new(topic_partition))
    if changes.led:
        mail.tell(changes.state.brokers, changes.led)


def _begin_new(changes: Changes, partitions: Iterable[TopicPartition]) -> None:
    for topic_partition in partitions:
        if changes.current(topic_partition) is None:
            online = changes.state.online_replicas(topic_partition)
            first = elections.first_leader(online, controller_epoch=changes.state.controller_epoch)
            if first is not None:
                changes.set(topic_partition, first)


def _bring_online(changes: Changes, partitions: list[TopicPartition], unclean: UncleanElection) -> None:
    """Begin the new ones and elect for the offline ones, where anybody can lead; not while deleted."""
    state = changes.state
    partitions = [tp for tp in partitions if tp.topic not in state.deleting]
    _begin_new(changes, partitions)
    for topic_partition in partitions:
        current = changes.current(topic_partition)
        if current is not None and not state.is_online(current.leader, topic_partition, or_stopping=True):
            elected = elections.leader_for_offline(
                current,
                state.assignment(topic_partition).replicas,
                state.online_replicas(topic_partition),
                unclean=unclean(topic_partition.topic),
                controller_epoch=state.controller_epoch,
            )
            if elected is not None:
                changes.set(topic_partition, elected)


def _in_sync_on(state: ClusterState, nodes: Collection[int]) -> list[Replica]:
    """The replicas in ISRs that are on these brokers."""
    if not nodes:
        return []
    return [
        Replica(topic_partition, node_id)
        for topic_partition, known in state.leadership.items()
        for node_id in known.leader_and_isr.isr
        if node_id in nodes
    ]


def _take_out(changes: Changes, dead: Iterable[Replica]) -> None:
    """Take dead replicas out of ISRs and out of the lead."""
    state = changes.state
    for replica in dead:
        topic_partition = replica.topic_partition
        current = changes.current(topic_partition)
        if current is None or topic_partition.topic in state.deleting:
            continue
        shrunk = elections.without_replica(current, replica.node_id, controller_epoch=state.controller_epoch)
        if shrunk is not None:
            changes.set(topic_partition, shrunk)


def _lead_all_on(changes: Changes, nodes: Collection[int], mail: Mailbag) -> None:
    """Tell brokers to lead and follow everything of which they have a replica."""
    for topic_partition, node_id in changes.state.replicas_on(nodes):
        led = changes.current(topic_partition) is not None
        if led and topic_partition.topic not in changes.state.deleting:
            mail.lead([node_id], topic_partition, is_new=changes.is_new(topic_partition))
