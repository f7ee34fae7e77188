"""Elections that somebody asks for, and leaders that go back where they belong."""

from __future__ import annotations

import pytest

from odradek.controller.commands import ElectLeaders, Refused
from odradek.controller.decision import DeleteTree
from odradek.controller.events import PreferredElectionNodeRead, RebalanceDue
from odradek.metadata import paths
from odradek.metadata.znodes import NO_LEADER
from odradek.protocol.error_codes import ErrorCode
from tests.controller.states import cluster_of, decide, letters, rules, state_of, tp


@pytest.mark.parametrize(
    ("led", "unclean", "outcome"),
    [
        # replicas are 1, 2, 3, of which 3 is dead
        ((2, [1, 2]), False, 1),
        ((1, [1, 2]), False, ErrorCode.ELECTION_NOT_NEEDED),
        ((2, [2]), False, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE),
        ((NO_LEADER, [3]), False, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE),
        ((NO_LEADER, [3]), True, 1),
        ((2, [1, 2]), True, ErrorCode.ELECTION_NOT_NEEDED),
        (None, False, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE),
        (None, True, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE),
    ],
)
def test_an_election_is_held_where_there_is_whom_to_elect(led, unclean, outcome):
    state = cluster_of([1, 2], {0: ([1, 2, 3], led)})
    decision = decide(state, ElectLeaders((tp(),), unclean))
    assert isinstance(decision.answer, dict)
    answer = decision.answer[tp()]
    assert (answer.code if isinstance(answer, Refused) else answer) == outcome
    assert bool(decision.writes) is (outcome == 1)
    if outcome == 1:
        assert state_of(decision.state)[:2] == (1, 4)


def test_a_preferred_leader_changes_neither_the_isr_nor_its_order():
    state = cluster_of([1, 2], {0: ([1, 2], (2, [2, 1]))})
    decision = decide(state, ElectLeaders((tp(),), unclean=False))
    assert state_of(decision.state) == (1, 4, (2, 1))
    assert letters(decision)[:2] == [(1, "lead", ["t-0"]), (2, "lead", ["t-0"])]


def test_nobody_at_all_can_lead_uncleanly_either():
    state = cluster_of([], {0: ([3], (NO_LEADER, [3]))})
    decision = decide(state, ElectLeaders((tp(),), unclean=True))
    assert decision.answer == {
        tp(): Refused(
            ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
            "Failed to elect leader for partition t-0 under strategy "
            "OfflinePartitionLeaderElectionStrategy(true)",
        )
    }


def test_what_is_not_there_or_goes_is_not_elected_for():
    state = cluster_of([1], {0: ([1], (1, [1]))}, deleting=frozenset({"t"}))
    answer = decide(state, ElectLeaders((tp(0), tp(1)), unclean=False)).answer
    assert answer == {
        tp(0): Refused(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic is being deleted"),
        tp(1): Refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist."),
    }


def test_the_old_node_is_heeded_and_goes():
    state = cluster_of([1, 2], {0: ([1, 2], (2, [1, 2])), 1: ([1, 2], (2, [1, 2]))})
    decision = decide(state, PreferredElectionNodeRead((tp(0), tp(9))))
    assert state_of(decision.state, 0)[0] == 1
    assert state_of(decision.state, 1)[0] == 2
    assert decision.writes[-1] == DeleteTree(paths.PREFERRED_REPLICA_ELECTION)


@pytest.mark.parametrize(("percentage", "leaders"), [(49, (1, 1, 2)), (50, (2, 1, 2))])
def test_leaders_go_back_where_a_broker_lacks_too_many(percentage, leaders):
    """Broker 1 ought to lead partitions 0 and 1 and leads one of them: it lacks half."""
    partitions = {0: ([1, 2], (2, [1, 2])), 1: ([1, 2], (1, [1, 2])), 2: ([2, 1], (2, [1, 2]))}
    state = cluster_of([1, 2], partitions)
    decision = rules(leader_imbalance_percentage=percentage).decide(state, RebalanceDue())
    assert tuple(state_of(decision.state, number)[0] for number in partitions) == leaders


def test_who_cannot_lead_is_not_tried():
    partitions = {0: ([1, 2], (2, [2])), 1: ([3, 2], (2, [2, 3]))}
    decision = decide(cluster_of([1, 2], partitions), RebalanceDue())
    assert decision.writes == ()
