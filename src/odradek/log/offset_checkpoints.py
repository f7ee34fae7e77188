"""Offset checkpoints: the files in each log directory that hold one offset of each of its partitions.

Recovery points, log start offsets and high watermarks; the format is `checkpoints`. A file has one writer at
a time. Kafka: LogManager.checkpointRecoveryOffsetsInDir, checkpointLogStartOffsetsInDir, ReplicaManager's
highWatermarkCheckpoints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import trio

from odradek.log.checkpoints import HIGH_WATERMARK_FILE, LOG_START_OFFSET_FILE, RECOVERY_POINT_FILE
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory
from odradek.log.offload import Offload
from odradek.metadata.topic_partition import TopicPartition


class OffsetCheckpoints:
    """The checkpoints of `logs`, which is looked at anew for each; owned by `Logs`. `every` gives these and
    the logs that are to take their places.

    A directory whose file cannot be read or written goes offline, unless the disk is only full.
    """

    __slots__ = ("_every", "_logs", "_offload", "_writing")

    def __init__(
        self, logs: Mapping[TopicPartition, Log], every: Callable[[], Iterable[Log]], offload: Offload
    ) -> None:
        self._logs = logs
        self._every = every
        self._offload = offload
        self._writing: defaultdict[tuple[str, str], trio.Lock] = defaultdict(trio.Lock)
        """Directory and file → held while a thread writes it: all writers share one `.tmp`."""

    def read_high_watermarks(self, directories: Iterable[LogDirectory]) -> dict[TopicPartition, int]:
        """Of every directory that can be read. What is beside a partition's log goes before what is not:
        where it is on its way to (Kafka writes that, too), or where it was when the process was killed.
        """
        beside: dict[TopicPartition, int] = {}
        elsewhere: dict[TopicPartition, int] = {}
        for directory in directories:
            if directory.is_online:
                try:
                    read = directory.read_offsets(HIGH_WATERMARK_FILE)
                except OSError as error:
                    directory.fail(error, f"Error while reading checkpoint file in {directory.path}")
                    continue
                for topic_partition, offset in read.items():
                    log = self._logs.get(topic_partition)
                    is_beside = log is not None and log.directory is directory
                    (beside if is_beside else elsewhere)[topic_partition] = offset
        return elsewhere | beside

    async def write_high_watermarks(
        self, directories: Iterable[LogDirectory], offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Each partition's high watermark into the checkpoint beside its log, and nothing else into any."""
        by_directory: dict[LogDirectory, dict[TopicPartition, int]] = {each: {} for each in directories}
        for topic_partition, offset in offsets.items():
            log = self._logs.get(topic_partition)
            if log is not None:
                by_directory[log.directory][topic_partition] = offset
        for directory, its_offsets in by_directory.items():
            async with self._writing[directory.path, HIGH_WATERMARK_FILE]:
                await self._write(directory, HIGH_WATERMARK_FILE, its_offsets)

    async def write_recovery_points(self, directory: LogDirectory) -> None:
        """As they are once nobody else writes the file."""
        async with self._writing[directory.path, RECOVERY_POINT_FILE]:
            offsets = {log.topic_partition: log.recovery_point for log in self._logs_in(directory)}
            await self._write(directory, RECOVERY_POINT_FILE, offsets)

    async def write_log_start_offsets(self, directory: LogDirectory) -> None:
        """As they are once nobody else writes the file; only those that the segments do not tell."""
        async with self._writing[directory.path, LOG_START_OFFSET_FILE]:
            offsets = {
                log.topic_partition: log.log_start_offset
                for log in self._logs_in(directory)
                if log.log_start_offset > log.segments[0].base_offset
            }
            await self._write(directory, LOG_START_OFFSET_FILE, offsets)

    def _logs_in(self, directory: LogDirectory) -> list[Log]:
        return [log for log in self._every() if log.directory is directory]

    async def _write(
        self, directory: LogDirectory, file_name: str, offsets: Mapping[TopicPartition, int]
    ) -> None:
        if not directory.is_online:
            return
        try:
            await self._offload(partial(directory.write_offsets, file_name, offsets))
        except OSError as error:
            what = f"Error while writing to checkpoint file {file_name} in {directory.path}"
            directory.write_failed(error, what)
