"""The high watermarks that a broker finds on its disk, and leaves there: replication-offset-checkpoint.

Kafka: ReplicaManager.checkpointHighWatermarks, OffsetCheckpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from odradek.metadata.topic_partition import TopicPartition


class HighWatermarkFiles(Protocol):
    """The files, one in each log directory; `odradek.log.logs.Logs`."""

    def read_high_watermarks(self) -> dict[TopicPartition, int]:
        """replication-offset-checkpoint of all directories."""

    async def write_high_watermarks(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Replaces replication-offset-checkpoint in each directory by the offsets of its partitions."""


class HighWatermarks:
    """What the files hold. `current` gives the high watermarks of this broker's partitions now."""

    def __init__(
        self, files: HighWatermarkFiles, current: Callable[[], Mapping[TopicPartition, int]]
    ) -> None:
        self._files = files
        self._current = current
        self._written: dict[TopicPartition, int] | None = None
        """None before a controller first spoke: nothing was read, and nothing is to be written."""

    def of(self, topic_partition: TopicPartition) -> int:
        """The high watermark of before the restart; 0 if none was written."""
        if self._written is None:
            self._written = self._files.read_high_watermarks()
        return self._written.get(topic_partition, 0)

    async def write(self) -> None:
        """Writes them all. Partitions of which no controller has spoken since the start keep theirs."""
        if self._written is None:
            return
        self._written |= self._current()
        await self._files.write_high_watermarks(dict(self._written))

    async def forget(self, doomed: Iterable[TopicPartition]) -> None:
        """Off the disk before the logs are: a later topic of the name would be taken to have committed more
        than it did, by a broker that crashed before the next checkpoint.
        """
        written = self._written or {}
        if sum(written.pop(topic_partition, 0) for topic_partition in doomed):
            await self.write()
