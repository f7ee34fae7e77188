"""Followers: the other replicas of a partition that this broker leads, and what follows from where they are.

How far the log is replicated, who lags, where the log starts everywhere. Kafka: Partition's
remoteReplicasMap, maybeIncrementLeaderHW, getOutOfSyncReplicas, lowWatermarkIfLeader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odradek.replication.follower import Follower
from odradek.replication.partition_host import PartitionHost


class Followers:
    """Ascending by broker id; empty where this broker does not lead. Owned by the partition."""

    __slots__ = ("_host", "by_id")

    def __init__(self, host: PartitionHost) -> None:
        self._host = host
        self.by_id: dict[int, Follower] = {}
        """Looked at directly where appends are measured: no followers, no cost."""

    def __iter__(self) -> Iterator[Follower]:
        return iter(self.by_id.values())

    def get(self, node_id: int) -> Follower | None:
        """The follower on that broker; None for one that is no replica, and for ourselves."""
        return self.by_id.get(node_id)

    def assign(self, replicas: Iterable[int]) -> None:
        """Exactly these replicas follow, ourselves left out; whoever did already is known as before."""
        others = sorted(set(replicas) - {self._host.node_id})
        self.by_id = {other: self.by_id.get(other) or Follower(other) for other in others}

    def begin_epoch(self, isr: frozenset[int], leader_end_offset: int, *, is_new_leader: bool) -> None:
        """A leader epoch of ours begins."""
        now_ms = self._host.now_ms()
        for follower in self:
            follower.begin_epoch(
                is_new_leader=is_new_leader,
                in_sync=follower.node_id in isr,
                leader_end_offset=leader_end_offset,
                now_ms=now_ms,
            )

    def clear(self) -> None:
        """Nobody follows us any more."""
        self.by_id = {}

    def replicated_offset(self, leader_end_offset: int, maximal_isr: frozenset[int]) -> int:
        """The least log end of the maximal ISR, and of those that are caught up and about to join it: else
        the leader would run away from them.
        """
        now_ms = self._host.now_ms()
        lag_time_max_ms = self._host.replica_lag_time_max_ms
        end_offset = leader_end_offset
        for follower in self:
            if follower.log_end_offset < end_offset and (
                follower.node_id in maximal_isr
                or (
                    follower.is_caught_up(leader_end_offset, now_ms, lag_time_max_ms)
                    and self._host.is_alive(follower.node_id)
                )
            ):
                end_offset = follower.log_end_offset
        return end_offset

    def lagging(self, isr: frozenset[int], leader_end_offset: int) -> list[int]:
        """Members of the ISR that have not caught up for replica.lag.time.max.ms; ascending."""
        now_ms = self._host.now_ms()
        lag_time_max_ms = self._host.replica_lag_time_max_ms
        lagging = []
        for replica in sorted(isr - {self._host.node_id}):
            follower = self.by_id.get(replica)
            if follower is None or not follower.is_caught_up(leader_end_offset, now_ms, lag_time_max_ms):
                lagging.append(replica)
        return lagging

    def low_watermark(self, log_start_offset: int) -> int:
        """Where the log starts on every living replica at the latest; -1 while one has not said."""
        told = [each.log_start_offset for each in self if self._host.is_alive(each.node_id)]
        return min(log_start_offset, *told) if told else log_start_offset
