"""A broker stops: others lead before it is gone."""

from __future__ import annotations

import pytest

from odradek.controller.commands import ShutDown
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from tests.controller.states import cluster_of, decide, letters, state_of, tp


def test_others_lead_what_it_led_and_it_follows_no_more():
    state = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2, 3])), 1: ([2, 1], (2, [2, 1]))})
    decision = decide(state, ShutDown(1, 101))
    assert decision.answer == ()
    assert decision.state.shutting_down == {1}
    assert state_of(decision.state, 0) == (2, 4, (2, 3))
    assert state_of(decision.state, 1) == (2, 4, (2,))
    assert (1, "stop", ["t-1"]) in letters(decision)
    assert (1, "lead", ["t-0"]) in letters(decision)
    assert (2, "lead", ["t-0", "t-1"]) in letters(decision)


def test_what_nobody_else_can_lead_remains_and_what_has_no_other_replica_does_not_count():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1])), 1: ([1], (1, [1])), 2: ([1, 3], (1, [1, 3]))})
    decision = decide(state, ShutDown(1, 101))
    assert decision.answer == (tp(0), tp(2))
    assert decision.writes == ()
    assert state_of(decision.state, 0) == (1, 3, (1,))


def test_two_that_stop_do_not_lead_for_each_other():
    state = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2, 3]))}, shutting_down=frozenset({2}))
    decision = decide(state, ShutDown(1, -1))
    assert state_of(decision.state) == (3, 4, (3,))


def test_a_follower_out_of_sync_is_only_stopped():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1]))})
    decision = decide(state, ShutDown(2, 102))
    assert decision.writes == ()
    assert (2, "stop", ["t-0"]) in letters(decision)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ShutDown(1, 77),
            ErrorCode.STALE_BROKER_EPOCH,
            "Received controlled shutdown request from an old broker epoch 77 for broker 1. "
            "Current broker epoch is 101.",
        ),
        (ShutDown(9, -1), ErrorCode.BROKER_NOT_AVAILABLE, "Broker id 9 does not exist."),
        (ShutDown(9, 5), ErrorCode.UNKNOWN_SERVER_ERROR, "Broker id 9 does not exist."),
    ],
)
def test_who_is_not_here_cannot_stop(command, code, message):
    with pytest.raises(KafkaError) as refused:
        decide(cluster_of([1], {}), command)
    assert (refused.value.code, refused.value.message) == (code, message)
