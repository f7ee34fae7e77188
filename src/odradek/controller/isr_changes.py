"""What the controller makes of an ISR that a leader wants, or has written by itself. Pure.

Only what the leader knew of the partition as it is now may change it: the epochs say so.
Source: KIP-497, KIP-841, KafkaController.processAlterPartition and processIsrChangeNotification.
"""

from __future__ import annotations

from odradek.controller.commands import AlteredPartitions, AlterPartitions, IsrChange
from odradek.controller.decision import Changes
from odradek.controller.events import LeadershipRead
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import ClusterState, Leadership
from odradek.errors import KafkaError
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode


def alter_partitions(
    state: ClusterState, command: AlterPartitions, mail: Mailbag
) -> tuple[Changes, AlteredPartitions]:
    """Write the ISRs that may be. Raises STALE_BROKER_EPOCH unless the leader is registered as it says."""
    broker = state.brokers.get(command.broker_id)
    if broker is None or broker.epoch != command.broker_epoch:
        raise KafkaError(ErrorCode.STALE_BROKER_EPOCH)
    changes = Changes(state)
    results: dict[TopicPartition, Leadership | ErrorCode] = {}
    for topic_partition, wanted in command.changes.items():
        verdict = _judge(state, command, topic_partition, wanted)
        if isinstance(verdict, LeaderAndIsr):
            changes.set(topic_partition, verdict)
            results[topic_partition] = changes.led[topic_partition]
        else:
            results[topic_partition] = verdict
    mail.tell(state.brokers, (tp for tp in command.changes if tp in state.leadership))
    return changes, results


def _judge(
    state: ClusterState, command: AlterPartitions, topic_partition: TopicPartition, wanted: IsrChange
) -> LeaderAndIsr | Leadership | ErrorCode:
    """What to write, or what the partition is already, or why neither."""
    known = state.leadership.get(topic_partition)
    if known is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    current = known.leader_and_isr
    if wanted.partition_epoch > known.partition_epoch or wanted.leader_epoch > current.leader_epoch:
        # The leader knows more than we do: we are the controller no more.
        return ErrorCode.NOT_CONTROLLER
    if wanted.leader_epoch < current.leader_epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    is_done = (
        command.broker_id == current.leader
        and wanted.isr == current.isr
        and wanted.is_recovering == current.is_recovering
    )
    if is_done:
        return known
    if wanted.partition_epoch < known.partition_epoch:
        return ErrorCode.INVALID_UPDATE_VERSION
    if wanted.is_recovering and (len(wanted.isr) > 1 or not current.is_recovering):
        return ErrorCode.INVALID_REQUEST
    if not set(wanted.isr) <= state.brokers.keys() - state.shutting_down:
        return command.ineligible
    return LeaderAndIsr(
        command.broker_id,
        wanted.leader_epoch,
        wanted.isr,
        state.controller_epoch,
        is_recovering=wanted.is_recovering,
    )


def leadership_read(state: ClusterState, event: LeadershipRead, mail: Mailbag) -> ClusterState:
    """Believe what leaders wrote by themselves, and tell everybody."""
    read = {tp: leadership for tp, leadership in event.leadership.items() if tp in state}
    if read:
        mail.tell(state.brokers, read)
    return state.with_leadership(read)
