"""ReplicationQuota: how fast replicas that are behind may catch up (KIP-73).

One for what this broker sends as leader, one for what it fetches as follower. Only replicas that a topic's
`leader.replication.throttled.replicas` or `follower.replication.throttled.replicas` names count, and none
that is in sync: throttling never costs an ISR. Pure but for the clock it is given.

Kafka: ReplicationQuotaManager, SimpleRate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from odradek.metadata.topic_partition import TopicPartition

ALL_REPLICAS = "*"


@dataclass(slots=True, eq=False, repr=False)
class _Sample:
    start_ms: int
    size_bytes: int


class ReplicationQuota:
    """The bytes of the last windows. `rate` is the bound of the moment, in bytes a second.

    `window_ms` and `windows` are replication.quota.window.size.seconds and replication.quota.window.num.
    """

    def __init__(
        self,
        node_id: int,
        now_ms: Callable[[], int],
        rate: Callable[[], int],
        *,
        window_ms: int = 1000,
        windows: int = 11,
    ) -> None:
        self._node_id = node_id
        self._now_ms = now_ms
        self._rate = rate
        self._window_ms = window_ms
        self._windows = windows
        self._samples: deque[_Sample] = deque()

    def is_throttled(self, topic_partition: TopicPartition, throttled_replicas: tuple[str, ...]) -> bool:
        """Whether a topic's config, partition:broker pairs or "*", names this broker's replica."""
        return bool(throttled_replicas) and (
            ALL_REPLICAS in throttled_replicas
            or f"{topic_partition.partition}:{self._node_id}" in throttled_replicas
        )

    def record(self, size_bytes: int) -> None:
        """So much was sent or fetched for a throttled replica."""
        now_ms = self._now_ms()
        self._forget_old(now_ms)
        if not self._samples or now_ms - self._samples[-1].start_ms >= self._window_ms:
            self._samples.append(_Sample(now_ms, 0))
        self._samples[-1].size_bytes += size_bytes

    def is_exceeded(self) -> bool:
        """Whether more was recorded than the rate allows."""
        if not self._samples:
            return False
        now_ms = self._now_ms()
        self._forget_old(now_ms)
        if not self._samples:
            return False
        elapsed_ms = max(now_ms - self._samples[0].start_ms, self._window_ms)
        size_bytes = sum(sample.size_bytes for sample in self._samples)
        return size_bytes * 1000 / elapsed_ms > self._rate()

    def _forget_old(self, now_ms: int) -> None:
        while self._samples and now_ms - self._samples[0].start_ms >= self._windows * self._window_ms:
            self._samples.popleft()
