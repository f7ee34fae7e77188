"""Proposals change what the high watermark waits for, not what is committed."""

from hypothesis import given
from hypothesis import strategies as st

from odradek.replication.partition_state import InSyncReplicas

replicas = st.integers(0, 9)
isrs = st.frozensets(replicas, min_size=1)


@given(isrs, replicas)
def test_whoever_may_join_is_waited_for(isr, joining):
    proposed = InSyncReplicas.committed(isr).expand(joining, 3, 5)
    assert proposed.isr == isr
    assert proposed.maximal == isr | {joining}
    assert proposed.proposal is not None
    assert set(proposed.proposal.isr) == isr | {joining}


@given(isrs, isrs)
def test_whoever_may_leave_is_waited_for_still(isr, leaving):
    proposed = InSyncReplicas.committed(isr).shrink(leaving, 3, 5)
    assert proposed.isr == proposed.maximal == isr
    assert proposed.proposal is not None
    assert set(proposed.proposal.isr) == isr - leaving
    assert (proposed.proposal.leader_epoch, proposed.proposal.partition_epoch) == (3, 5)


def test_an_isr_is_in_the_order_in_which_its_members_joined():
    in_sync = InSyncReplicas.committed([2])
    for joining in (0, 1):
        proposal = in_sync.expand(joining, 3, 5).proposal
        assert proposal is not None
        in_sync = InSyncReplicas.committed(proposal.isr)
    assert in_sync.listed == (2, 0, 1)
    left = in_sync.shrink(frozenset({0}), 3, 5).proposal
    assert left is not None
    assert left.isr == (2, 1)
