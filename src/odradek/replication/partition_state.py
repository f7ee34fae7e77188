"""Who replicates a partition and who of them is in sync, as the controller last said or is being asked. Pure.

Kafka: Partition's assignmentState and partitionState (CommittedPartitionState, PendingExpandIsr,
PendingShrinkIsr); KIP-497.
"""

from __future__ import annotations

from collections.abc import Iterable

from odradek.metadata.hash_order import scala_immutable_order
from odradek.value_object import value_object


@value_object
class Assignment:
    """The replicas of a partition by broker id, the preferred leader first; some may be coming or going."""

    replicas: tuple[int, ...] = ()
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()


@value_object
class IsrProposal:
    """An ISR that the controller is asked for, and the state of the partition that it starts from."""

    isr: tuple[int, ...]
    """As they joined, which is the order that clients are told."""
    leader_epoch: int
    partition_epoch: int


@value_object
class InSyncReplicas:
    """The ISR, and the one that the high watermark has to wait for.

    They differ while a change is on its way to the controller: `maximal` counts a replica from when it is
    proposed and until its removal is confirmed, so the high watermark is safe whichever way that goes.
    """

    isr: frozenset[int] = frozenset()
    maximal: frozenset[int] = frozenset()
    proposal: IsrProposal | None = None
    """Not answered yet; there is never more than one."""
    listed: tuple[int, ...] = ()
    """The ISR in its order."""

    @classmethod
    def committed(cls, isr: Iterable[int]) -> InSyncReplicas:
        """As the controller has written it; nothing is in flight."""
        listed = _in_order(isr)
        return cls(frozenset(listed), frozenset(listed), None, listed)

    def expand(self, replica: int, leader_epoch: int, partition_epoch: int) -> InSyncReplicas:
        """With a proposal that `replica` joins."""
        isr = _in_order((*self.listed, replica))
        proposal = IsrProposal(isr, leader_epoch, partition_epoch)
        return InSyncReplicas(self.isr, frozenset(isr), proposal, self.listed)

    def shrink(self, replicas: frozenset[int], leader_epoch: int, partition_epoch: int) -> InSyncReplicas:
        """With a proposal that `replicas` leave."""
        isr = tuple(each for each in self.listed if each not in replicas)
        proposal = IsrProposal(isr, leader_epoch, partition_epoch)
        return InSyncReplicas(self.isr, self.isr, proposal, self.listed)


def _in_order(replicas: Iterable[int]) -> tuple[int, ...]:
    """As a Scala `Set` has them: up to four as they joined."""
    return tuple(scala_immutable_order(replicas, lambda replica: replica))
