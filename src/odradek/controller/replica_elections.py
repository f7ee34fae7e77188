"""Elections that somebody asks for, and those that bring leaders back where they belong. Pure.

Source: KafkaController.processReplicaLeaderElection, checkAndTriggerAutoLeaderRebalance.
"""

from __future__ import annotations

from collections.abc import Iterable

from odradek.controller import elections
from odradek.controller.commands import ElectedLeaders, ElectLeaders, Refused
from odradek.controller.decision import Changes
from odradek.controller.mailbag import Mailbag
from odradek.controller.partitions import announce
from odradek.controller.state import ClusterState
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import NO_LEADER, LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode


def elect_leaders(
    state: ClusterState, command: ElectLeaders, mail: Mailbag
) -> tuple[Changes, ElectedLeaders]:
    """Elect preferred leaders or, unclean, anybody for partitions without a leader."""
    changes = Changes(state)
    results = {tp: _elect(changes, tp, unclean=command.unclean) for tp in command.partitions}
    announce(changes, mail)
    return changes, results


def elect_preferred(state: ClusterState, partitions: Iterable[TopicPartition], mail: Mailbag) -> Changes:
    """Have partitions' first replicas lead where that can be."""
    changes = Changes(state)
    for topic_partition in partitions:
        _elect(changes, topic_partition, unclean=False)
    announce(changes, mail)
    return changes


def _elect(changes: Changes, topic_partition: TopicPartition, *, unclean: bool) -> int | Refused:
    state = changes.state
    if topic_partition not in state:
        return Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.")
    if topic_partition.topic in state.deleting:
        return Refused(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic is being deleted")
    current = changes.current(topic_partition)
    replicas = state.assignment(topic_partition).replicas
    if current is not None and _is_led_well(state, current, replicas, unclean=unclean):
        return Refused(ErrorCode.ELECTION_NOT_NEEDED, ErrorCode.ELECTION_NOT_NEEDED.message)
    elected: LeaderAndIsr | None = None
    if current is not None:
        online, epoch = state.online_replicas(topic_partition), state.controller_epoch
        if unclean:
            elected = elections.leader_for_offline(
                current, replicas, online, unclean=True, controller_epoch=epoch
            )
        else:
            elected = elections.preferred_leader(current, replicas, online, controller_epoch=epoch)
    if elected is None:
        strategy = (
            "OfflinePartitionLeaderElectionStrategy(true)"
            if unclean
            else "PreferredReplicaPartitionLeaderElectionStrategy"
        )
        return Refused(
            ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE if unclean else ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
            f"Failed to elect leader for partition {topic_partition} under strategy {strategy}",
        )
    changes.set(topic_partition, elected)
    return elected.leader


def _is_led_well(
    state: ClusterState, current: LeaderAndIsr, replicas: tuple[int, ...], *, unclean: bool
) -> bool:
    if unclean:
        return current.leader != NO_LEADER and current.leader in state.brokers.keys() - state.shutting_down
    return (current.leader,) == replicas[:1]


def imbalanced(state: ClusterState, *, percentage: int) -> tuple[TopicPartition, ...]:
    """The partitions that brokers ought to lead, could lead and do not, for the brokers that lack too many.

    A broker lacks too many when it does not lead more than this percentage of what it ought to
    (leader.imbalance.per.broker.percentage).
    """
    preferred: dict[int, list[TopicPartition]] = {}
    for topic_partition in state.partitions():
        if topic_partition.topic not in state.deleting:
            first, *_ = state.assignment(topic_partition).replicas or (NO_LEADER,)
            preferred.setdefault(first, []).append(topic_partition)
    chosen: list[TopicPartition] = []
    for node_id, partitions in sorted(preferred.items()):
        led_by_others = [tp for tp in partitions if _leader(state, tp) not in (None, node_id)]
        if len(led_by_others) / len(partitions) > percentage / 100:
            chosen += [tp for tp in led_by_others if _can_lead(state, tp, node_id)]
    return tuple(chosen)


def _leader(state: ClusterState, topic_partition: TopicPartition) -> int | None:
    leadership = state.leadership.get(topic_partition)
    return leadership.leader_and_isr.leader if leadership else None


def _can_lead(state: ClusterState, topic_partition: TopicPartition, node_id: int) -> bool:
    in_sync = state.leadership[topic_partition].leader_and_isr.isr
    return node_id in in_sync and state.is_online(node_id, topic_partition)
