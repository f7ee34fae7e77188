"""FetchState: where a follower is with one partition, and where it must cut its log. Pure.

A follower whose log has leader epochs fetches at once and says how far it got in which epoch; the leader
answers with the diverging epoch where the two logs part (KIP-595), so it never asks for OffsetForLeaderEpoch.
Only a log without epochs is first cut at its high watermark.

Kafka: PartitionFetchState, OffsetTruncationState, AbstractFetcherThread.getOffsetTruncationState.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol
from uuid import UUID

from odradek.metadata.topic_id import NO_TOPIC_ID
from odradek.value_object import value_object

NO_EPOCH = -1
UNKNOWN = -1


class EpochsOfLog(Protocol):
    """What a truncation depends on in the follower's log; `odradek.log.log.Log`."""

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record gets."""

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(epoch, end offset) of the largest leader epoch not above `epoch`; (-1, -1) unknown."""


@value_object
class FetchState:
    """One partition of a fetcher. `delayed_until` is on trio's clock."""

    fetch_offset: int
    leader_epoch: int
    topic_id: UUID = NO_TOPIC_ID
    last_fetched_epoch: int | None = None
    lag: int | None = None
    """How many records the leader's high watermark was ahead; None before the first answer."""
    is_truncating: bool = False
    delayed_until: float = 0.0
    early_attempts: int = 0
    """How often in a row the leader had not heard of its election yet."""

    @classmethod
    def initial(
        cls,
        *,
        log_end_offset: int,
        high_watermark: int,
        latest_epoch: int | None,
        leader_epoch: int,
        topic_id: UUID,
    ) -> FetchState:
        """Of a replica that became a follower in `leader_epoch`."""
        if latest_epoch is None:
            return cls(high_watermark, leader_epoch, topic_id, is_truncating=True)
        return cls(log_end_offset, leader_epoch, topic_id, latest_epoch)

    def is_ready(self, now: float) -> bool:
        """Whether it belongs into the next fetch."""
        return not self.is_truncating and self.delayed_until <= now

    @property
    def is_in_sync(self) -> bool:
        """Whether it has everything that the leader had told of; such a replica is never throttled."""
        return self.lag is not None and self.lag <= 0

    def delay(self, until: float, now: float) -> FetchState:
        """Left alone until then; a delay that is running stays as it is."""
        return self if self.delayed_until > now else replace(self, delayed_until=until)

    def pause(self, until: float) -> FetchState:
        """Left alone until the leader should have heard of its election."""
        # 2**16 pauses of any length are longer than any other back-off.
        return replace(self, delayed_until=until, early_attempts=min(self.early_attempts + 1, 16))

    def fetched(self, next_offset: int, leader_high_watermark: int, epoch: int | None) -> FetchState:
        """After what the leader sent was appended."""
        return replace(
            self,
            fetch_offset=next_offset,
            lag=max(0, leader_high_watermark - next_offset),
            last_fetched_epoch=self.last_fetched_epoch if epoch is None else epoch,
            delayed_until=0.0,
            early_attempts=0,
        )

    def truncated(self, offset: int, latest_epoch: int | None) -> FetchState:
        """After the log was cut at `offset`."""
        return replace(self, fetch_offset=offset, last_fetched_epoch=latest_epoch, is_truncating=False)


def truncation_offset(state: FetchState, leader_epoch: int, end_offset: int, log: EpochsOfLog) -> int:
    """Where to cut, given the leader's largest epoch not above our last one, and where that ends there.

    If we do not know the leader's epoch, we cut to where our next smaller one ends; the next fetch, which
    names that one, tells whether this was enough.
    """
    if end_offset == UNKNOWN:
        return state.fetch_offset
    if leader_epoch == NO_EPOCH:
        return min(end_offset, log.log_end_offset)
    our_epoch, our_end_offset = log.end_offset_for_epoch(leader_epoch)
    if our_end_offset == UNKNOWN:
        return min(end_offset, log.log_end_offset)
    if our_epoch != leader_epoch:
        return min(our_end_offset, log.log_end_offset)
    return min(our_end_offset, end_offset, log.log_end_offset)
