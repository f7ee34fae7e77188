"""How replicas move: added, waited for until they are in sync, and only then the old ones removed. Pure.

A move under way stands in the topic's node: all replicas, with those being added and removed, so that any
controller can go on with it. It is done once all replicas to be are in the ISR.
Source: KIP-455, kafka.controller.KafkaController.onPartitionReassignment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from odradek.controller import elections
from odradek.controller.commands import Reassign, Refused
from odradek.controller.decision import Changes, DeleteTree, Write
from odradek.controller.events import ReassignmentNodeRead, ReassignmentsContinued
from odradek.controller.mailbag import Mailbag
from odradek.controller.state import ClusterState
from odradek.coordination.store import Set
from odradek.metadata import paths, znodes
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import LeaderAndIsr, ReplicaAssignment
from odradek.protocol.error_codes import ErrorCode

_NO_MOVE = Refused(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS.message)
_NO_PARTITION = Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.")


@dataclass(slots=True, eq=False, repr=False)
class Moves:
    """One decision's moves: what they change, what they tell, and what they end."""

    changes: Changes
    mail: Mailbag
    done: list[TopicPartition] = field(default_factory=list)
    """The partitions whose move is over."""

    @property
    def state(self) -> ClusterState:
        return self.changes.state

    def resumable_deletions(self) -> tuple[str, ...]:
        """Topics to be deleted that waited for a move which is over now."""
        topics = sorted({topic_partition.topic for topic_partition in self.done} & self.state.deleting)
        return tuple(topic for topic in topics if not self.state.is_reassigning(topic))


def reassign(
    state: ClusterState, command: Reassign, mail: Mailbag
) -> tuple[Moves, Mapping[TopicPartition, Refused | None], tuple[Write, ...]]:
    """Begin, replace or end moves that a client asks for; they take precedence over those of the node."""
    moves = Moves(Changes(state), mail)
    results: dict[TopicPartition, Refused | None] = {}
    begun: dict[TopicPartition, ReplicaAssignment] = {}
    for topic_partition, target in command.targets.items():
        current = _assignment(state, topic_partition)
        refused = None if target is None else _refuse_target(state, current, target)
        if refused is None and target is None and not current.is_being_reassigned:
            refused = _NO_MOVE
        if refused is None:
            begun[topic_partition] = current.reassigned_to(current.origin if target is None else target)
        results[topic_partition] = refused
    forgotten = {tp: target for tp, target in state.reassigned_by_node.items() if tp in begun}
    for topic_partition, assignment in begun.items():
        results[topic_partition] = _begin(moves, topic_partition, assignment)
    return moves, results, _forget_in_node(moves, forgotten)


def node_read(
    state: ClusterState, event: ReassignmentNodeRead, mail: Mailbag
) -> tuple[Moves, tuple[Write, ...]]:
    """Begin the moves that /admin/reassign_partitions asks for, and take those out of it that cannot be."""
    moves = Moves(Changes(replace(state, reassigned_by_node=dict(event.targets))), mail)
    refused: dict[TopicPartition, tuple[int, ...]] = {}
    for topic_partition, target in event.targets.items():
        assignment = _assignment(state, topic_partition).reassigned_to(target)
        if _begin(moves, topic_partition, assignment) is not None:
            refused[topic_partition] = target
    return moves, _forget_in_node(moves, refused | _done_as_asked(moves))


def continued(
    state: ClusterState, event: ReassignmentsContinued, mail: Mailbag
) -> tuple[Moves, tuple[Write, ...]]:
    """Go on with moves whose replicas have caught up, or whose new brokers are back."""
    moves = Moves(Changes(state), mail)
    for topic_partition in event.partitions:
        if topic_partition not in state:
            continue
        assignment = state.assignment(topic_partition)
        if not assignment.is_being_reassigned:
            continue
        if event.is_restart or _is_complete(moves, topic_partition, assignment):
            _move(moves, topic_partition, assignment)
    return moves, _forget_in_node(moves, _done_as_asked(moves))


def _assignment(state: ClusterState, topic_partition: TopicPartition) -> ReplicaAssignment:
    return state.assignment(topic_partition) if topic_partition in state else ReplicaAssignment(())


def _refuse_target(
    state: ClusterState, current: ReplicaAssignment, target: tuple[int, ...]
) -> Refused | None:
    if not target:
        message = "Empty replica list specified in partition reassignment."
    elif len(set(target)) < len(target):
        message = f"Duplicate replica ids in partition reassignment replica list: {_as_scala(target)}"
    elif any(node < 0 for node in target):
        message = f"Invalid broker id in replica list: {_as_scala(target)}"
    else:
        adding = current.reassigned_to(target).adding
        live = sorted(state.brokers.keys() - state.shutting_down)
        if set(adding) <= set(live):
            return None
        message = (
            "Replica assignment has brokers that are not alive. Replica list: "
            f"{_as_scala(adding)}, live broker list: Set({', '.join(map(str, live))})"
        )
    return Refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)


def _as_scala(nodes: Iterable[int]) -> str:
    return f"ArrayBuffer({', '.join(map(str, nodes))})"


def _begin(moves: Moves, topic_partition: TopicPartition, assignment: ReplicaAssignment) -> Refused | None:
    """Begin a move, unless there is no such partition, or it is to be deleted, or has never been led.

    One that would end another, and delete all replicas in sync with it, is refused as by a KRaft controller;
    that of ZooKeeper mode goes ahead and loses what only they have.
    """
    state = moves.state
    if topic_partition.topic in state.deleting or topic_partition not in state:
        return _NO_PARTITION
    current = moves.changes.current(topic_partition)
    if current is None:
        return Refused(ErrorCode.UNKNOWN_SERVER_ERROR)
    if set(current.isr).isdisjoint(assignment.replicas):
        return Refused(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"Unable to revert partition assignment for {topic_partition.topic}:{topic_partition.partition} "
            "because it would require an unclean leader election.",
        )
    _move(moves, topic_partition, assignment)
    return None


def _move(moves: Moves, topic_partition: TopicPartition, assignment: ReplicaAssignment) -> None:
    """Bring a partition's replicas as near to an assignment as they can be now."""
    changes, mail = moves.changes, moves.mail
    before = changes.state.assignment(topic_partition)
    if before != assignment:
        changes.assign(topic_partition, assignment)
        _remove(moves, topic_partition, [node for node in before.replicas if node not in assignment.replicas])
    if _is_complete(moves, topic_partition, assignment):
        _complete(moves, topic_partition, assignment)
    else:
        _write_another_epoch(moves, topic_partition)
        # New replicas may be made in any log directory that works, the old ones only where they are.
        mail.lead(assignment.origin, topic_partition, is_new=False)
        mail.lead(assignment.adding, topic_partition, is_new=True)
    mail.tell(changes.state.brokers, [topic_partition])


def _is_complete(moves: Moves, topic_partition: TopicPartition, assignment: ReplicaAssignment) -> bool:
    if not assignment.is_being_reassigned:
        return True
    current = moves.changes.current(topic_partition)
    return current is not None and set(assignment.target) <= set(current.isr)


def _complete(moves: Moves, topic_partition: TopicPartition, assignment: ReplicaAssignment) -> None:
    """Have only the replicas to be: one of them leads, the others are out of the ISR and deleted."""
    changes, state = moves.changes, moves.changes.state
    changes.assign(topic_partition, ReplicaAssignment(assignment.target))
    current = _current(moves, topic_partition)
    if current.leader in assignment.target and state.is_online(current.leader, topic_partition):
        _write_another_epoch(moves, topic_partition)
    else:
        elected = elections.leader_for_reassignment(
            current,
            assignment.target,
            changes.state.online_replicas(topic_partition),
            controller_epoch=state.controller_epoch,
        )
        if elected is not None:
            changes.set(topic_partition, elected)
    moves.mail.lead(assignment.target, topic_partition, is_new=False)
    _remove(moves, topic_partition, assignment.removing)
    moves.done.append(topic_partition)


def _write_another_epoch(moves: Moves, topic_partition: TopicPartition) -> None:
    epoch = moves.state.controller_epoch
    current = _current(moves, topic_partition)
    moves.changes.set(topic_partition, elections.with_another_epoch(current, controller_epoch=epoch))


def _remove(moves: Moves, topic_partition: TopicPartition, nodes: Iterable[int]) -> None:
    """Take replicas that are not wanted any more out of the ISR, and have them deleted."""
    changes = moves.changes
    for node_id in nodes:
        shrunk = elections.without_replica(
            _current(moves, topic_partition), node_id, controller_epoch=moves.state.controller_epoch
        )
        if shrunk is not None:
            changes.set(topic_partition, shrunk)
        moves.mail.stop(node_id, topic_partition, delete=True)
    if topic_partition in changes.led:
        moves.mail.lead(changes.state.assignment(topic_partition).replicas, topic_partition, is_new=False)


def _current(moves: Moves, topic_partition: TopicPartition) -> LeaderAndIsr:
    current = moves.changes.current(topic_partition)
    assert current is not None, "a partition that was never led does not move"
    return current


def _done_as_asked(moves: Moves) -> dict[TopicPartition, tuple[int, ...]]:
    """The moves of the node that are over, with the outcome that the node asked for."""
    asked = moves.state.reassigned_by_node
    return {
        tp: asked[tp] for tp in moves.done if tp in asked and moves.state.assignment(tp).replicas == asked[tp]
    }


def _forget_in_node(moves: Moves, forgotten: Mapping[TopicPartition, tuple[int, ...]]) -> tuple[Write, ...]:
    """Take moves out of /admin/reassign_partitions; without any it goes."""
    asked = moves.state.reassigned_by_node
    if not asked or not forgotten:
        return ()
    left = {tp: target for tp, target in asked.items() if tp not in forgotten}
    moves.changes.state = replace(moves.changes.state, reassigned_by_node=left)
    if not left:
        return (DeleteTree(paths.REASSIGN_PARTITIONS),)
    return (Set(paths.REASSIGN_PARTITIONS, znodes.encode_reassignments(left)),)
