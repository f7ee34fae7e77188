"""Follower: what a leader knows of one other replica, learned from that replica's fetches. Pure.

Whether it is in sync is a matter of time, not of offsets: it was caught up at `last_caught_up_ms`, the last
moment at which its fetch asked for everything that the leader had then. Kafka: Replica, ReplicaState.
"""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_OFFSET = -1
UNKNOWN_BROKER_EPOCH = -1


@dataclass(slots=True, eq=False, repr=False)
class Follower:
    """One replica that is not ours, as the leader sees it. Owned by its Partition."""

    node_id: int
    log_end_offset: int = UNKNOWN_OFFSET
    """-1 until its first fetch in this leadership."""
    log_start_offset: int = UNKNOWN_OFFSET
    last_caught_up_ms: int = 0
    broker_epoch: int = UNKNOWN_BROKER_EPOCH
    _last_fetch_ms: int = 0
    _leader_end_at_last_fetch: int = UNKNOWN_OFFSET

    def record_fetch(
        self,
        *,
        fetch_offset: int,
        log_start_offset: int,
        leader_end_offset: int,
        broker_epoch: int,
        now_ms: int,
    ) -> None:
        """It asks for `fetch_offset`, so it holds everything before; our log ends at `leader_end_offset`.

        One that always lags by what was appended since its last fetch is caught up all the same: it had read
        to the end as of then.
        """
        if fetch_offset >= leader_end_offset:
            self.last_caught_up_ms = max(self.last_caught_up_ms, now_ms)
        elif fetch_offset >= self._leader_end_at_last_fetch:
            self.last_caught_up_ms = max(self.last_caught_up_ms, self._last_fetch_ms)
        self.log_end_offset = fetch_offset
        self.log_start_offset = log_start_offset
        self.broker_epoch = broker_epoch
        self._last_fetch_ms = now_ms
        self._leader_end_at_last_fetch = max(leader_end_offset, self._leader_end_at_last_fetch)

    def begin_epoch(self, *, is_new_leader: bool, in_sync: bool, leader_end_offset: int, now_ms: int) -> None:
        """A leader epoch of ours begins: members of the ISR get the full replica.lag.time.max.ms to show
        up.
        """
        self.last_caught_up_ms = now_ms if in_sync else 0
        if is_new_leader:
            self.log_end_offset = self.log_start_offset = UNKNOWN_OFFSET
            self.broker_epoch = UNKNOWN_BROKER_EPOCH
            self._last_fetch_ms = 0
            self._leader_end_at_last_fetch = UNKNOWN_OFFSET
        else:
            self._last_fetch_ms = now_ms if in_sync else 0
            self._leader_end_at_last_fetch = leader_end_offset

    def is_caught_up(self, leader_end_offset: int, now_ms: int, lag_time_max_ms: int) -> bool:
        """Whether it has everything, or had everything not long ago."""
        return self.log_end_offset == leader_end_offset or now_ms - self.last_caught_up_ms <= lag_time_max_ms
