"""PartitionHost: what a partition must know of its surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from odradek.replication.partition import Partition
    from odradek.replication.partition_state import IsrProposal


class PartitionHost(Protocol):
    """The broker that holds a partition; `Replicas`."""

    @property
    def node_id(self) -> int:
        """This broker."""

    @property
    def replica_lag_time_max_ms(self) -> int:
        """For how long a replica that has not caught up stays in sync."""

    def now_ms(self) -> int:
        """The time of this broker's clock."""

    def is_alive(self, node_id: int) -> bool:
        """Whether the controller counts a broker among the living."""

    def propose_isr(self, partition: Partition, proposal: IsrProposal) -> None:
        """Asks the controller for an ISR; it answers by `isr_changed` or `isr_refused`, never at once."""
