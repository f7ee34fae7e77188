"""Replicas move: added, in sync, and only then the old ones go."""

from __future__ import annotations

import pytest

from odradek.controller.commands import Reassign, Refused
from odradek.controller.decision import DeleteTree
from odradek.controller.events import (
    BrokersChanged,
    DeletionsChanged,
    DeletionsResumed,
    Elected,
    ReassignmentNodeRead,
    ReassignmentsContinued,
)
from odradek.controller.state import ClusterState
from odradek.coordination.store import Set
from odradek.metadata import paths, znodes
from odradek.metadata.znodes import NO_LEADER, ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from tests.controller.states import (
    CONTROLLER_EPOCH,
    brokers,
    cluster_of,
    decide,
    letters,
    moving,
    state_of,
    tp,
)


def test_a_move_begins_with_the_new_replicas_beside_the_old_ones():
    state = cluster_of([1, 2, 3], {0: ([1, 2], (1, [1, 2])), 1: ([1], (1, [1]))})
    decision = decide(state, Reassign({tp(): (3, 2)}))
    assert decision.answer == {tp(): None}
    assert decision.state.assignment(tp()) == ReplicaAssignment((3, 2, 1), adding=(3,), removing=(1,))
    assert state_of(decision.state) == (1, 4, (1, 2))
    assert decision.writes[0] == Set(paths.topic("t"), decision.state.topics["t"].encode(), version=2)
    assert decision.state.topics["t"].version == 3
    assert letters(decision) == [
        (2, "lead", ["t-0"]),
        (1, "lead", ["t-0"]),
        (3, "lead", ["t-0+"]),
        (1, "know", ["t-0"]),
        (2, "know", ["t-0"]),
        (3, "know", ["t-0"]),
    ]


def test_nothing_is_done_until_all_new_replicas_are_in_sync():
    state = cluster_of([1, 2, 3, 4], {0: (moving([3, 4], [1, 2]), (1, [1, 2, 3]))})
    decision = decide(state, ReassignmentsContinued((tp(),)))
    assert (decision.state, decision.writes, decision.requests) == (state, (), ())


def test_then_one_of_them_leads_and_the_old_ones_are_deleted():
    state = cluster_of([1, 2, 3, 4], {0: (moving([3, 4], [1, 2]), (1, [1, 2, 3, 4]))})
    decision = decide(state, ReassignmentsContinued((tp(),)))
    assert decision.state.assignment(tp()) == ReplicaAssignment((3, 4))
    # One epoch for the leader, one for each replica that leaves the ISR, as in Kafka; one write.
    assert state_of(decision.state) == (3, 6, (3, 4))
    assert [write.path for write in decision.writes] == [paths.topic("t"), paths.partition_state(tp())]
    assert letters(decision) == [
        (3, "lead", ["t-0"]),
        (4, "lead", ["t-0"]),
        (1, "know", ["t-0"]),
        (2, "know", ["t-0"]),
        (3, "know", ["t-0"]),
        (4, "know", ["t-0"]),
        (1, "stop", ["t-0-"]),
        (2, "stop", ["t-0-"]),
    ]


def test_a_leader_that_stays_leads_on():
    state = cluster_of([1, 2, 3], {0: (moving([1, 3], [1, 2]), (1, [1, 2, 3]))})
    decision = decide(state, ReassignmentsContinued((tp(),)))
    assert state_of(decision.state) == (1, 5, (1, 3))


def test_a_move_to_fewer_replicas_is_done_at_once():
    state = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2, 3]))})
    decision = decide(state, Reassign({tp(): (2, 1)}))
    assert decision.state.assignment(tp()) == ReplicaAssignment((2, 1))
    assert state_of(decision.state) == (1, 5, (1, 2))
    assert (3, "stop", ["t-0-"]) in letters(decision)


def test_a_move_that_is_ended_leaves_the_old_replicas_and_deletes_the_new_ones():
    state = cluster_of([1, 2, 3], {0: (moving([3], [1, 2]), (1, [1, 2]))})
    decision = decide(state, Reassign({tp(): None}))
    assert decision.answer == {tp(): None}
    assert decision.state.assignment(tp()) == ReplicaAssignment((1, 2))
    assert (3, "stop", ["t-0-"]) in letters(decision)


def test_a_move_that_is_ended_takes_the_lead_from_a_new_replica():
    state = cluster_of([1, 2, 3], {0: (moving([3, 4], [1, 2]), (3, [1, 2, 3]))})
    decision = decide(state, Reassign({tp(): None}))
    assert state_of(decision.state)[0::2] == (1, (1, 2))


@pytest.mark.parametrize("target", [None, (4, 2)])
def test_a_move_is_not_ended_when_only_new_replicas_are_in_sync(target):
    state = cluster_of([1, 2, 3, 4], {0: (moving([3], [1, 2]), (3, [3]))})
    decision = decide(state, Reassign({tp(): target}))
    assert decision.answer == {
        tp(): Refused(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "Unable to revert partition assignment for t:0 because it would require an unclean leader "
            "election.",
        )
    }
    assert (decision.state, decision.writes, decision.requests) == (state, (), ())


def test_a_move_replaces_another_one():
    state = cluster_of([1, 2, 3, 4], {0: (moving([3], [1]), (1, [1]))})
    decision = decide(state, Reassign({tp(): (4,)}))
    assert decision.state.assignment(tp()) == ReplicaAssignment((4, 1), adding=(4,), removing=(1,))
    assert (3, "stop", ["t-0-"]) in letters(decision)
    assert (4, "lead", ["t-0+"]) in letters(decision)


REFUSED = [
    ((), "Empty replica list specified in partition reassignment."),
    ((1, 1), "Duplicate replica ids in partition reassignment replica list: ArrayBuffer(1, 1)"),
    ((-1,), "Invalid broker id in replica list: ArrayBuffer(-1)"),
    (
        (9, 1, 3),
        "Replica assignment has brokers that are not alive. "
        "Replica list: ArrayBuffer(9, 3), live broker list: Set(1, 2)",
    ),
]


@pytest.mark.parametrize(("target", "message"), REFUSED)
def test_a_target_that_cannot_be_is_refused(target, message):
    state = cluster_of([1, 2, 3], {0: ([1], (1, [1]))}, shutting_down=frozenset({3}))
    decision = decide(state, Reassign({tp(): target}))
    assert decision.answer == {tp(): Refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)}
    assert (decision.state, decision.writes, decision.requests) == (state, (), ())


def test_what_does_not_exist_does_not_move():
    state = cluster_of([1], {0: ([1], (1, [1]))})
    answer = decide(state, Reassign({tp(9): (1,), tp(8): None, tp(0): None})).answer
    assert isinstance(answer, dict)
    assert [answer[each].code for each in (tp(9), tp(8), tp(0))] == [
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
        ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
    ]


def test_a_topic_that_is_deleted_does_not_move_and_one_that_moves_is_deleted_afterwards():
    state = cluster_of([1, 2], {0: ([1], (1, [1]))}, deleting=frozenset({"t"}))
    answer = decide(state, Reassign({tp(): (2,)})).answer
    assert answer == {tp(): Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.")}

    state = cluster_of([1, 2], {0: (moving([2], [1]), (1, [1, 2]))})
    wished = decide(state, DeletionsChanged(frozenset({"t"})))
    assert wished.requests == ()
    arrived = decide(wished.state, ReassignmentsContinued((tp(),)))
    assert arrived.then == (DeletionsResumed(("t",)),)
    resumed = decide(arrived.state, arrived.then[0])
    assert (2, "stop", ["t-0-"]) in letters(resumed)


def test_a_new_controller_goes_on_with_moves():
    whole = cluster_of([1, 2], {0: (moving([2], [1]), (1, [1]))})
    event = Elected(whole.brokers, whole.topics, whole.leadership, frozenset())
    decision = decide(ClusterState(0, CONTROLLER_EPOCH), event)
    assert decision.then == (ReassignmentsContinued((tp(),), is_restart=True),)
    again = decide(decision.state, decision.then[0])
    assert (2, "lead", ["t-0+"]) in letters(again)


def test_a_move_goes_on_when_its_new_broker_is_back():
    state = cluster_of([1], {0: (moving([2], [1]), (1, [1])), 1: (moving([3], [1]), (1, [1]))})
    decision = decide(state, BrokersChanged(brokers([1, 2])))
    assert decision.then == (ReassignmentsContinued((tp(0),), is_restart=True),)


def test_nobody_to_lead_leaves_the_partition_without_a_leader_but_moved():
    state = cluster_of([1, 3], {0: (moving([3], [1, 2]), (NO_LEADER, [3]))})
    decision = decide(state, ReassignmentsContinued((tp(),)))
    assert state_of(decision.state)[0] == 3


TARGETS = {tp(0): (2,), tp(1): (2,), tp(5): (1,)}


def test_the_old_node_asks_for_moves_and_goes_with_the_last_of_them():
    state = cluster_of([1, 2], {0: ([1], (1, [1])), 1: ([1], (1, [1, 2]))})
    read = decide(state, ReassignmentNodeRead(TARGETS))
    # Partition 5 is unknown and 1 is in sync already: only 0 is left to do.
    assert read.state.reassigned_by_node == {tp(0): (2,)}
    assert read.writes[-1] == Set(paths.REASSIGN_PARTITIONS, znodes.encode_reassignments({tp(0): (2,)}))
    in_sync = read.state.with_leadership(cluster_of([1, 2], {0: ([1], (1, [1, 2]))}).leadership)
    done = decide(in_sync, ReassignmentsContinued((tp(0),)))
    assert done.writes[-1] == DeleteTree(paths.REASSIGN_PARTITIONS)
    assert done.state.reassigned_by_node == {}


def test_a_client_overrules_the_old_node():
    state = cluster_of([1, 2, 3], {0: (moving([2], [1]), (1, [1]))}, reassigned_by_node={tp(0): (2,)})
    decision = decide(state, Reassign({tp(0): (3,)}))
    assert decision.writes[-1] == DeleteTree(paths.REASSIGN_PARTITIONS)


def test_a_topic_whose_version_is_unknown_is_written_all_the_same():
    state = cluster_of([1, 2], {0: ([1], (1, [1]))})
    unread = TopicAssignment(state.topics["t"].topic_id, state.topics["t"].partitions)
    state = ClusterState(
        0, CONTROLLER_EPOCH, brokers=state.brokers, topics={"t": unread}, leadership=state.leadership
    )
    write = decide(state, Reassign({tp(): (2,)})).writes[0]
    assert isinstance(write, Set)
    assert write.version == -1
