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
    assert proposed.proposal.isr == tuple(sorted(isr | {joining}))


@given(isrs, isrs)
def test_whoever_may_leave_is_waited_for_still(isr, leaving):
    proposed = InSyncReplicas.committed(isr).shrink(leaving, 3, 5)
    assert proposed.isr == proposed.maximal == isr
    assert proposed.proposal is not None
    assert proposed.proposal.isr == tuple(sorted(isr - leaving))
    assert (proposed.proposal.leader_epoch, proposed.proposal.partition_epoch) == (3, 5)
