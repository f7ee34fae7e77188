"""EpochEnd: where a leader epoch ends in a log, which is what two replicas compare (KIP-101). Pure."""

from __future__ import annotations

from typing import NamedTuple


class EpochEnd(NamedTuple):
    """The epoch, and the offset after its last record; -1 both where unknown."""

    leader_epoch: int
    end_offset: int

    def is_before(self, fetch_offset: int, last_fetched_epoch: int) -> bool:
        """Whether a reader at `fetch_offset`, its last batch of that epoch, has what this log has not.

        `self` is the end of the largest epoch not above `last_fetched_epoch` (KIP-595).
        """
        return self.leader_epoch < last_fetched_epoch or self.end_offset < fetch_offset


UNKNOWN_EPOCH_END = EpochEnd(-1, -1)
