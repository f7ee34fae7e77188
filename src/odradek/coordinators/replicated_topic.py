"""An internal topic as coordinators write it: partitions of `replication`."""

from __future__ import annotations

from collections.abc import Callable

from odradek.clock import Clock
from odradek.coordinators.journal import Appended
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.validation import AppendOrigin
from odradek.replication.fetch_isolation import FetchIsolation
from odradek.replication.partition import ACKS_ALL, Partition
from odradek.replication.replicas import Replicas


class ReplicatedJournal:
    """A `Journal` over a partition that this broker leads."""

    __slots__ = ("_clock", "_partition")

    def __init__(self, partition: Partition, clock: Clock) -> None:
        self._partition = partition
        self._clock = clock

    @property
    def high_watermark(self) -> int:
        return self._partition.high_watermark

    @property
    def log_start_offset(self) -> int:
        return self._partition.local_log().log_start_offset

    @property
    def log_end_offset(self) -> int:
        return self._partition.local_log().log_end_offset

    def append(self, batch: bytearray, *, best_effort: bool = False) -> Appended:
        info = self._partition.append(
            batch,
            required_acks=0 if best_effort else ACKS_ALL,
            origin=AppendOrigin.COORDINATOR,
            now_ms=self._clock.now_ms(),
        )
        return Appended(info.first_offset, info.next_offset)

    async def wait_replicated(self, offset: int) -> None:
        await self._partition.wait_replicated(offset)

    def read(self, offset: int, max_bytes: int) -> bytes:
        with self._partition.read(
            offset, max_bytes=max_bytes, isolation=FetchIsolation.LOG_END
        ).records as records:
            return bytes(records.view())


class ReplicatedTopic:
    """An `InternalTopic`. `partition_count` looks at the topic if it exists, else at the configuration."""

    __slots__ = ("_clock", "_replicas", "name", "partition_count")

    def __init__(
        self, name: str, replicas: Replicas, partition_count: Callable[[], int], clock: Clock
    ) -> None:
        self.name = name
        self.partition_count = partition_count
        self._replicas = replicas
        self._clock = clock

    def journal(self, partition: int) -> ReplicatedJournal:
        return ReplicatedJournal(self._replicas.leader(TopicPartition(self.name, partition)), self._clock)
