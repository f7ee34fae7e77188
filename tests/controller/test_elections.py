"""The rules of leadership, and what must hold after any of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odradek.controller.elections import first_leader, leader_for_offline, without_replica
from odradek.metadata.znodes import NO_LEADER, LeaderAndIsr

NODES = st.integers(0, 4)
REPLICAS = st.lists(NODES, min_size=1, max_size=5, unique=True).map(tuple)


def led(leader: int, *isr: int, epoch: int = 3) -> LeaderAndIsr:
    return LeaderAndIsr(leader, epoch, isr, controller_epoch=1)


def test_the_first_living_replica_leads_a_new_partition():
    assert first_leader((2, 0), controller_epoch=5) == LeaderAndIsr(2, 0, (2, 0), 5)
    assert first_leader((), controller_epoch=5) is None


def test_the_first_living_replica_in_sync_succeeds():
    elected = leader_for_offline(led(0, 0, 2, 1), (0, 1, 2), {1, 2}, unclean=False, controller_epoch=4)
    assert elected == LeaderAndIsr(1, 4, (2, 1), 4)


def test_only_an_unclean_election_takes_a_replica_out_of_sync():
    current = led(0, 0)
    assert leader_for_offline(current, (0, 1), {1}, unclean=False, controller_epoch=4) is None
    elected = leader_for_offline(current, (0, 1), {1}, unclean=True, controller_epoch=4)
    assert elected == LeaderAndIsr(1, 4, (1,), 4, is_recovering=True)
    assert leader_for_offline(current, (0, 1), set(), unclean=True, controller_epoch=4) is None


def test_nobody_is_elected_by_a_state_that_could_not_be_read():
    unread = led(NO_LEADER, epoch=0)
    assert leader_for_offline(unread, (0, 1), {0, 1}, unclean=True, controller_epoch=4) is None


def test_a_dead_follower_leaves_the_isr():
    assert without_replica(led(0, 0, 1), 1, controller_epoch=4) == LeaderAndIsr(0, 4, (0,), 4)
    assert without_replica(led(0, 0), 1, controller_epoch=4) is None


def test_the_last_of_the_isr_stays_in_it_though_it_leads_no_more():
    shrunk = without_replica(led(0, 0), 0, controller_epoch=4)
    assert shrunk == LeaderAndIsr(NO_LEADER, 4, (0,), 4)
    assert without_replica(shrunk, 0, controller_epoch=4) is None


@given(REPLICAS, st.sets(NODES), st.booleans(), st.data())
def test_who_is_elected_lives_and_has_a_replica(replicas, live, unclean, data):
    isr = tuple(data.draw(st.lists(st.sampled_from(replicas), min_size=1, unique=True)))
    current = led(isr[0], *isr)
    elected = leader_for_offline(current, replicas, live, unclean=unclean, controller_epoch=2)
    if elected is None:
        assert not live & set(isr)
        assert not (unclean and live & set(replicas))
        return
    assert elected.leader in live
    assert elected.leader in replicas
    assert elected.leader in elected.isr
    assert set(elected.isr) <= live
    assert elected.leader_epoch == current.leader_epoch + 1
    assert unclean or set(elected.isr) <= set(isr)
