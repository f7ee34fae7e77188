"""What becomes of partitions when brokers come and go, and when disks fail: tables of before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from odradek.controller.events import (
    BrokersChanged,
    Elected,
    LogDirsFailed,
    RebalanceDue,
    ReplicasAnswered,
    TopicsChanged,
    UncleanElectionEnabled,
)
from odradek.controller.partitions import dark_topics
from odradek.controller.state import ClusterState, Replica
from odradek.coordination.store import Create, Set
from odradek.metadata import paths
from odradek.metadata.znodes import (
    NO_LEADER,
    BrokerRegistration,
    Endpoint,
    ReplicaAssignment,
    TopicAssignment,
)
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from tests.controller.states import (
    CONTROLLER_EPOCH,
    TOPIC_ID,
    broker,
    brokers,
    cluster_of,
    decide,
    letters,
    state_of,
    tp,
)


@pytest.mark.parametrize(
    ("led", "dead", "unclean", "after"),
    [
        # leader, ISR → leader, leader epoch, ISR; replicas are 1, 2, 3
        ((1, [1, 2, 3]), {1}, False, (2, 4, (2, 3))),
        ((1, [1, 3]), {1}, False, (3, 4, (3,))),
        ((1, [1, 2, 3]), {2}, False, (1, 4, (1, 3))),
        ((1, [1, 3]), {2}, False, (1, 3, (1, 3))),
        ((1, [1, 2, 3]), {2, 3}, False, (1, 5, (1,))),
        ((1, [1]), {1}, False, (NO_LEADER, 4, (1,))),
        ((1, [1]), {1}, True, (2, 4, (2,))),
        ((1, [1, 2, 3]), {1, 2, 3}, True, (NO_LEADER, 5, (3,))),
        ((NO_LEADER, [1]), {1}, False, (NO_LEADER, 3, (1,))),
    ],
)
def test_brokers_die(led, dead, unclean, after):
    state = cluster_of([0, 1, 2, 3], {0: ([1, 2, 3], led)})
    decision = decide(state, BrokersChanged(brokers({0, 1, 2, 3} - dead)), unclean=unclean)
    assert state_of(decision.state) == after
    if after[1] > 3:
        known = decision.state.leadership[tp()]
        assert known.leader_and_isr.controller_epoch == CONTROLLER_EPOCH
        assert known.partition_epoch == 8
        assert decision.writes == (
            Set(paths.partition_state(tp()), known.leader_and_isr.encode(), version=7),
        )
    else:
        assert decision.writes == ()


def test_only_what_nobody_in_sync_can_lead_is_asked_the_configs_of():
    state = cluster_of([1, 2, 3], {0: ([1, 2], (1, [1, 2])), 1: ([3], (3, [3]))})
    assert dark_topics(state, BrokersChanged(brokers([1, 3]))) == []
    assert dark_topics(state, BrokersChanged(brokers([1, 2]))) == ["t"]
    assert dark_topics(state, UncleanElectionEnabled(None)) == []
    failed = ReplicasAnswered(online=frozenset(), failed=frozenset({Replica(tp(1), 3)}))
    assert dark_topics(state, failed) == ["t"]
    assert dark_topics(state, RebalanceDue()) == []


def test_an_unclean_leader_is_recovering_until_it_says_otherwise():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1]))})
    decision = decide(state, BrokersChanged(brokers([2])), unclean=True)
    assert decision.state.leadership[tp()].leader_and_isr.is_recovering


def test_brokers_of_before_3_2_know_of_no_recovery():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1]))})
    decision = decide(state, BrokersChanged(brokers([2])), unclean=True, knows_leader_recovery=False)
    elected = decision.state.leadership[tp()].leader_and_isr
    assert (elected.leader, elected.is_recovering) == (2, False)
    assert decision.writes == (Set(paths.partition_state(tp()), elected.encode(), version=7),)


@pytest.mark.parametrize(
    ("led", "after"),
    [
        ((NO_LEADER, [1]), (1, 4, (1,))),
        ((NO_LEADER, [3]), (NO_LEADER, 3, (3,))),
        ((2, [2]), (2, 3, (2,))),
        (None, (1, 0, (1, 2))),
    ],
)
def test_a_broker_comes(led, after):
    state = cluster_of([0, 2] if led else [0], {0: ([1, 2, 3], led)})
    decision = decide(state, BrokersChanged(brokers([0, 1, 2])))
    assert state_of(decision.state) == after


def test_a_new_broker_hears_of_everybody_and_everything_before_it_is_told_to_follow():
    state = cluster_of([0, 2], {0: ([2, 1], (2, [2])), 1: ([2, 0], (2, [2, 0]))})
    decision = decide(state, BrokersChanged(brokers([0, 1, 2])))
    assert [letter for letter in letters(decision) if letter[0] == 1] == [
        (1, "know", ["t-0", "t-1"]),
        (1, "lead", ["t-0"]),
        (1, "know", ["t-0"]),
    ]
    # The others learn that its replicas are there again.
    assert (2, "know", ["t-0"]) in letters(decision)
    assert not [letter for letter in letters(decision) if letter[:2] == (2, "lead")]


def test_a_broker_that_came_back_between_two_looks_lost_what_it_led():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1, 2])), 1: ([2, 1], (2, [2, 1]))})
    decision = decide(state, BrokersChanged({1: broker(1, epoch=900), 2: broker(2)}))
    assert state_of(decision.state, 0) == (2, 4, (2,))
    assert state_of(decision.state, 1) == (2, 4, (2,))
    assert (1, "lead", ["t-0", "t-1"]) in letters(decision)
    assert {each.request.broker_epoch for each in decision.requests if each.node_id == 1} == {900}


def test_other_endpoints_are_news_and_nothing_else():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1, 2]))})
    endpoint = Endpoint("elsewhere", 1, "PLAINTEXT", "PLAINTEXT")
    moved = replace(broker(1), registration=BrokerRegistration((endpoint,), timestamp_ms=1))
    decision = decide(state, BrokersChanged({1: moved, 2: broker(2)}))
    assert decision.writes == ()
    assert letters(decision) == [(1, "know", []), (2, "know", [])]
    (told, _) = decision.requests
    assert isinstance(told.request, UpdateMetadataRequest)
    assert told.request.live_brokers[0].endpoints[0].host == "elsewhere"


def test_everybody_hears_which_replicas_are_offline():
    state = cluster_of([0, 1, 2], {0: ([1, 2], (1, [1]))})
    decision = decide(state, BrokersChanged(brokers([0, 1])))
    (told,) = [
        each.request
        for each in decision.requests
        if isinstance(each.request, UpdateMetadataRequest) and each.node_id == 0 and each.request.topic_states
    ]
    assert told.topic_states[0].partition_states[0].offline_replicas == [2]
    assert [live.id for live in told.live_brokers] == [0, 1]


def test_a_stopping_broker_is_elected_for_nothing_and_counts_as_offline():
    state = cluster_of([1, 2, 3], {0: ([1, 2, 3], (1, [1, 2, 3]))}, shutting_down=frozenset({2}))
    decision = decide(state, BrokersChanged(brokers([2, 3])))
    assert state_of(decision.state)[0] == 3
    (told, *_) = [
        each.request
        for each in decision.requests
        if isinstance(each.request, UpdateMetadataRequest) and each.request.topic_states
    ]
    assert told.topic_states[0].partition_states[0].offline_replicas == [1, 2]


def test_a_broker_that_is_gone_is_not_stopping_any_more():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1]))}, shutting_down=frozenset({2}))
    gone = decide(state, BrokersChanged(brokers([1]))).state
    assert gone.shutting_down == frozenset()


def test_new_partitions_begin_with_whoever_lives():
    state = cluster_of([0, 2], {})
    partitions = {0: ReplicaAssignment((1, 2, 0)), 1: ReplicaAssignment((1,))}
    decision = decide(state, TopicsChanged({"t": TopicAssignment(TOPIC_ID, partitions)}))
    assert state_of(decision.state) == (2, 0, (2, 0))
    assert tp(1) not in decision.state.leadership
    assert [write for write in decision.writes if isinstance(write, Create)] == list(decision.writes)
    assert letters(decision) == [
        (2, "lead", ["t-0+"]),
        (0, "lead", ["t-0+"]),
        (0, "know", ["t-0"]),
        (2, "know", ["t-0"]),
    ]


def test_a_partition_that_somebody_took_out_of_its_topic_is_forgotten():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1, 2])), 1: ([1, 2], (1, [1, 2]))})
    fewer = TopicAssignment(TOPIC_ID, {0: ReplicaAssignment((1, 2))})
    decision = decide(state, TopicsChanged({"t": fewer}))
    assert list(decision.state.leadership) == [tp(0)]
    assert state_of(decide(decision.state, BrokersChanged(brokers([2]))).state) == (2, 4, (2,))


def test_a_new_controller_tells_everybody_everything_and_who_lives_first():
    whole = cluster_of([0, 1], {0: ([1, 0], (1, [1, 0])), 1: ([2, 0], (2, [2, 0]))})
    event = Elected(whole.brokers, whole.topics, whole.leadership, frozenset())
    decision = decide(ClusterState(0, CONTROLLER_EPOCH), event)
    assert letters(decision) == [
        (0, "know", []),
        (1, "know", []),
        (1, "lead", ["t-0"]),
        (0, "lead", ["t-0", "t-1"]),
        (0, "know", ["t-0", "t-1"]),
        (1, "know", ["t-0", "t-1"]),
    ]


@pytest.mark.parametrize(
    ("replicas", "led", "after"),
    [
        # Broker 0 is dead; found by killing a controller beside a real 3.9.2 broker, which took over.
        ([0, 1], (0, [0, 1]), (1, 5, (1,))),
        ([1, 0], (1, [1, 0]), (1, 4, (1,))),
        ([0], (0, [0]), (NO_LEADER, 4, (0,))),
        ([1], (1, [1]), (1, 3, (1,))),
    ],
)
def test_a_new_controller_elects_for_the_dead(replicas, led, after):
    whole = cluster_of([1], {0: (replicas, led)})
    event = Elected(whole.brokers, whole.topics, whole.leadership, frozenset())
    assert state_of(decide(ClusterState(1, CONTROLLER_EPOCH), event).state) == after


FAILED = Replica(tp(0), 1)


def test_a_broker_is_asked_again_what_is_left_after_a_disk_failed():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1, 2])), 1: ([2], (2, [2]))})
    decision = decide(state, LogDirsFailed(frozenset({1})))
    assert decision.writes == ()
    assert letters(decision) == [(1, "lead", ["t-0"])]


def test_a_replica_on_a_failed_disk_leads_no_more_though_its_broker_lives():
    state = cluster_of([1, 2], {0: ([1, 2], (1, [1, 2])), 1: ([1, 2], (1, [1, 2]))})
    decision = decide(state, ReplicasAnswered(frozenset(), frozenset({FAILED})))
    assert state_of(decision.state, 0) == (2, 4, (2,))
    assert state_of(decision.state, 1) == (1, 3, (1, 2))
    again = decide(decision.state, ReplicasAnswered(frozenset(), frozenset({FAILED})))
    assert (again.state, again.writes, again.requests) == (decision.state, (), ())
    mended = decide(decision.state, ReplicasAnswered(frozenset({FAILED}), frozenset()))
    assert mended.state.failed_replicas == frozenset()


def test_a_failed_disk_is_forgotten_with_its_broker():
    state = cluster_of([1, 2], {0: ([1, 2], (2, [2]))}, failed_replicas=frozenset({FAILED}))
    assert decide(state, BrokersChanged(brokers([2]))).state.failed_replicas == frozenset()


def test_unclean_election_elects_once_it_is_enabled():
    state = cluster_of([2], {0: ([1, 2], (NO_LEADER, [1])), 1: ([2], (2, [2]))})
    assert decide(state, UncleanElectionEnabled("t"), unclean=False).writes == ()
    assert decide(state, UncleanElectionEnabled("other"), unclean=True).writes == ()
    for topic in ("t", None):
        decision = decide(state, UncleanElectionEnabled(topic), unclean=True)
        assert state_of(decision.state, 0) == (2, 4, (2,))
        assert state_of(decision.state, 1) == (2, 3, (2,))
