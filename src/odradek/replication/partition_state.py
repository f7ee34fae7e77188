"""Who replicates a partition and who of them is in sync, as the controller last said.

Kafka: Partition's assignmentState and partitionState (CommittedPartitionState).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """The replicas of a partition by broker id, the preferred leader first; some may be coming or going."""

    replicas: tuple[int, ...] = ()
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InSyncReplicas:
    """The ISR, and the one that the high watermark has to wait for.

    They differ while a change is on its way to the controller: `maximal` counts a replica from when it is
    proposed and until its removal is confirmed, so the high watermark is safe whichever way that goes.
    """

    isr: frozenset[int] = frozenset()
    maximal: frozenset[int] = frozenset()

    @classmethod
    def committed(cls, isr: frozenset[int]) -> InSyncReplicas:
        """As the controller has written it; nothing is in flight."""
        return cls(isr, isr)
