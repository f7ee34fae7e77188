"""ISRs that leaders want: only from who knows the partition as it is."""

from __future__ import annotations

import pytest

from odradek.controller.commands import AlterPartitions, IsrChange
from odradek.controller.events import LeadershipRead, ReassignmentsContinued
from odradek.controller.state import Leadership
from odradek.coordination.store import Set
from odradek.errors import KafkaError
from odradek.metadata import paths
from odradek.metadata.znodes import LeaderAndIsr
from odradek.protocol.error_codes import ErrorCode
from tests.controller.states import CONTROLLER_EPOCH, cluster_of, decide, letters, moving, state_of, tp

STATE = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2]))}, shutting_down=frozenset({3}))
WHOLE = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2]))})


def ask(isr, *, leader_epoch=3, partition_epoch=7, broker_id=1, number=0, recovering=False):
    change = IsrChange(tuple(isr), leader_epoch, partition_epoch, recovering)
    return AlterPartitions(broker_id, 100 + broker_id, {tp(number): change})


def test_an_isr_is_written_with_the_leader_epoch_it_was_asked_for_in():
    decision = decide(WHOLE, ask([1, 2, 3]))
    written = Leadership(LeaderAndIsr(1, 3, (1, 2, 3), CONTROLLER_EPOCH), 8)
    assert decision.answer == {tp(): written}
    assert decision.state.leadership[tp()] == written
    assert decision.writes == (Set(paths.partition_state(tp()), written.leader_and_isr.encode(), version=7),)
    # The leader learns it from the answer, everybody from their metadata.
    assert letters(decision) == [(1, "know", ["t-0"]), (2, "know", ["t-0"]), (3, "know", ["t-0"])]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ask([1], leader_epoch=4), ErrorCode.NOT_CONTROLLER),
        (ask([1], partition_epoch=8), ErrorCode.NOT_CONTROLLER),
        (ask([1], leader_epoch=2), ErrorCode.FENCED_LEADER_EPOCH),
        (ask([1], partition_epoch=6), ErrorCode.INVALID_UPDATE_VERSION),
        (ask([1, 2, 3]), ErrorCode.INELIGIBLE_REPLICA),
        (ask([1, 2, 9]), ErrorCode.INELIGIBLE_REPLICA),
        (ask([1], recovering=True), ErrorCode.INVALID_REQUEST),
        (ask([1, 2], recovering=True), ErrorCode.INVALID_REQUEST),
        (ask([1], number=4), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ],
)
def test_an_isr_that_may_not_be_is_refused(command, code):
    decision = decide(STATE, command)
    assert isinstance(decision.answer, dict)
    assert list(decision.answer.values()) == [code]
    assert (decision.state, decision.writes) == (STATE, ())


def test_an_isr_that_is_there_already_is_confirmed_whatever_the_partition_epoch():
    decision = decide(STATE, ask([1, 2], partition_epoch=5))
    assert decision.answer == {tp(): STATE.leadership[tp()]}
    assert decision.writes == ()


@pytest.mark.parametrize(
    "command",
    [
        AlterPartitions(9, 109, {}),
        AlterPartitions(1, 100, {}),
        AlterPartitions(1, 102, {}),
    ],
    ids=["unknown", "earlier life", "later life"],
)
def test_a_broker_that_is_not_registered_as_it_says_is_refused_as_a_whole(command):
    with pytest.raises(KafkaError) as refused:
        decide(STATE, command)
    assert refused.value.code == ErrorCode.STALE_BROKER_EPOCH


def test_a_broker_that_is_stopping_is_heard_still():
    assert decide(STATE, AlterPartitions(3, 103, {})).answer == {}


def test_a_leader_that_is_stopping_is_heard_as_long_as_it_leads():
    assert decide(STATE, AlterPartitions(3, 103, {})).answer == {}


def test_a_recovering_partition_recovers_when_its_leader_says_so():
    recovering = Leadership(LeaderAndIsr(1, 3, (1,), 4, is_recovering=True), 7)
    state = WHOLE.with_leadership({tp(): recovering})
    decision = decide(state, ask([1]))
    assert not decision.state.leadership[tp()].leader_and_isr.is_recovering
    assert decision.writes


def test_replicas_that_were_waited_for_end_a_move():
    state = cluster_of([1, 2], {0: (moving([2], [1]), (1, [1]))})
    decision = decide(state, ask([1, 2]))
    assert decision.then == (ReassignmentsContinued((tp(),)),)
    refused = decide(state, ask([1, 2], partition_epoch=6))
    assert refused.then == ()


def test_what_leaders_wrote_by_themselves_is_believed_and_told():
    read = Leadership(LeaderAndIsr(1, 3, (1,), 4), 9)
    unknown = tp(7)
    decision = decide(WHOLE, LeadershipRead({tp(): read, unknown: read}))
    assert state_of(decision.state) == (1, 3, (1,))
    assert unknown not in decision.state.leadership
    assert decision.writes == ()
    assert (2, "know", ["t-0"]) in letters(decision)
