"""Relocations: replicas of this broker on their way from one of its log directories to another (KIP-113).

A request begins a move and does not wait for it. The copying reads in a thread, a stretch of one partition at
a time, and takes the future log for the partition's own in the very turn in which both hold the same. Tasks
live only while something moves. What a restart interrupts goes on with the controller's first word.

Kafka: ReplicaManager.alterReplicaLogDirs, ReplicaAlterLogDirsManager, ReplicaAlterLogDirsThread,
LocalLeaderEndPoint.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from odradek.errors import KafkaError, StorageError
from odradek.log.file_names import FUTURE_DIRECTORY_SUFFIX, MAX_FILE_NAME_LENGTH, directory_name
from odradek.log.offload import Offload, in_thread
from odradek.protocol.error_codes import ErrorCode
from odradek.replication.future_replica import FutureReplica
from odradek.telemetry import get_logger
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.log.log import Log
    from odradek.log.log_directory import LogDirectory
    from odradek.metadata.topic_partition import TopicPartition
    from odradek.replication.partition import Partition
    from odradek.replication.replication_quota import ReplicationQuota

_UNIQUE_ID_LENGTH = len(".") + 32

_log = get_logger(__name__)


class FutureLogs(Protocol):
    """What moves need of the broker's logs; `odradek.log.logs.Logs`."""

    def directory(self, path: str) -> LogDirectory:
        """The log directory of that path. Raises KafkaError(LOG_DIR_NOT_FOUND)."""

    def prefer(self, topic_partition: TopicPartition, directory: LogDirectory) -> None:
        """The next log of a partition is to be made there."""

    def future(self, topic_partition: TopicPartition) -> Log | None:
        """The log that is to take the place of the partition's own."""

    def create_future(self, current: Log) -> Log:
        """Such a log, in the directory preferred. Raises StorageError."""

    def remove_future(self, topic_partition: TopicPartition) -> LogDirectory | None:
        """Takes it away; the directory where it was."""

    def replace_with_future(self, topic_partition: TopicPartition) -> None:
        """It is the partition's log now. Raises StorageError."""

    async def checkpoint_directory(self, directory: LogDirectory) -> None:
        """Writes recovery points and log start offsets."""


class RelocationHost(Protocol):
    """What moves need of their broker; `Replicas`."""

    def partition(self, topic_partition: TopicPartition) -> Partition | None:
        """The replica on this broker."""

    def hosted(self, topic: str, partition: int) -> Partition:
        """The replica, for a request that needs one. Raises KafkaError."""


@value_object
class RelocationSettings:
    """The configs of these names."""

    workers: int = 1
    """num.replica.alter.log.dirs.threads: so many partitions are copied at once"""
    max_bytes: int = 1_048_576
    """replica.fetch.max.bytes"""
    backoff_ms: int = 1000
    """replica.fetch.backoff.ms"""


class Relocations:
    """The moves of one broker's replicas; owned by the trio thread."""

    def __init__(
        self,
        host: RelocationHost,
        logs: FutureLogs,
        quota: ReplicationQuota,
        settings: RelocationSettings,
        offload: Offload = in_thread,
    ) -> None:
        self._host = host
        self._logs = logs
        self._quota = quota
        self._settings = settings
        self._offload = offload
        self._waiting: dict[TopicPartition, Partition] = {}
        self._touched: dict[LogDirectory, None] = {}
        self._workers = 0
        self._nursery: trio.Nursery | None = None

    # Beginning

    def begin(self, topic_partition: TopicPartition, path: str) -> None:
        """Has a partition's log moved to the directory of that path; where there is none yet, made there.

        A move elsewhere that was under way ends. `settle` is due. Raises KafkaError:
        INVALID_TOPIC_EXCEPTION for a name that is too long for a future log, LOG_DIR_NOT_FOUND,
        KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION, REPLICA_NOT_AVAILABLE.
        """
        name_length = len(directory_name(topic_partition)) + _UNIQUE_ID_LENGTH + len(FUTURE_DIRECTORY_SUFFIX)
        if name_length > MAX_FILE_NAME_LENGTH:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic name is too long.")
        directory = self._logs.directory(path)
        if not directory.is_online:
            raise StorageError(f"Log directory {path} is offline")
        partition = self._host.partition(topic_partition)
        if partition is not None and partition.is_offline:
            raise StorageError(f"Partition {topic_partition} is offline")
        future = None if partition is None else partition.future
        if partition is not None and future is not None and future.log.directory is not directory:
            self._abandon(partition)
        self._logs.prefer(topic_partition, directory)
        partition, log = self._hosted(topic_partition)
        if log.directory is not directory and partition.future is None:
            self._touched[directory] = None
            self._start(partition, log, self._logs.create_future(log))

    def _hosted(self, topic_partition: TopicPartition) -> tuple[Partition, Log]:
        """Raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, REPLICA_NOT_AVAILABLE."""
        try:
            partition = self._host.hosted(topic_partition.topic, topic_partition.partition)
            return partition, partition.local_log(only_leader=False)
        except KafkaError as error:
            if error.code == ErrorCode.NOT_LEADER_OR_FOLLOWER:
                raise KafkaError(ErrorCode.REPLICA_NOT_AVAILABLE, error.message) from error
            raise

    def resume(self, partition: Partition, log: Log) -> None:
        """Goes on with a move that a restart interrupted; `log` is what the partition begins with."""
        name = partition.topic_partition
        future_log = self._logs.future(name)
        if future_log is None or partition.future is not None or future_log.directory is log.directory:
            return
        if None not in (future_log.topic_id, log.topic_id) and future_log.topic_id != log.topic_id:
            _log.warn("future log is of another topic", partition=str(name), path=future_log.path)
            self._logs.remove_future(name)
            return
        future_log.config = log.config
        try:
            self._start(partition, log, future_log)
        except StorageError as error:
            _log.warn("replica stays where it is", partition=str(name), error=str(error))

    def _start(self, partition: Partition, log: Log, future_log: Log) -> None:
        """Raises StorageError."""
        future = FutureReplica(future_log)
        try:
            future.join(log)
        except StorageError:
            self._logs.remove_future(partition.topic_partition)
            raise
        partition.future = future
        _log.info(
            "replica moves",
            partition=str(partition.topic_partition),
            source=log.directory.path,
            destination=future_log.directory.path,
            offset=future_log.log_end_offset,
        )
        self._waiting[partition.topic_partition] = partition
        self._have_worked()

    def _abandon(self, partition: Partition) -> None:
        partition.abandon_future()
        self._waiting.pop(partition.topic_partition, None)
        directory = self._logs.remove_future(partition.topic_partition)
        if directory is not None:
            self._touched[directory] = None

    async def settle(self) -> None:
        """Writes the checkpoints of directories in which logs came or went: what was written there of an
        earlier log of a partition must not be taken for the next one's.
        """
        while self._touched:
            directory, _ = self._touched.popitem()
            await self._logs.checkpoint_directory(directory)

    # The tasks

    def work_in(self, nursery: trio.Nursery | None) -> None:
        """Has the copying done by tasks in there; None: no more."""
        self._nursery = nursery
        self._have_worked()

    def _have_worked(self) -> None:
        while self._nursery is not None and self._waiting and self._workers < self._settings.workers:
            self._workers += 1
            self._nursery.start_soon(self._work, self._next())

    def _next(self) -> Partition:
        return self._waiting.pop(min(self._waiting))

    async def _work(self, partition: Partition) -> None:
        """Moves this one, and what waits by then."""
        try:
            await self._move_if_possible(partition)
            while self._waiting:
                await self._move_if_possible(self._next())
        finally:
            self._workers -= 1

    async def _move_if_possible(self, partition: Partition) -> None:
        try:
            await self._move(partition)
        except Exception as error:  # noqa: BLE001 - our bug costs a move, and not the broker
            name = str(partition.topic_partition)
            _log.error("unexpected error while moving a replica", partition=name, exc_info=error)

    async def _move(self, partition: Partition) -> None:
        """Copies until the future log takes the log's place, or the move has ended otherwise."""
        name, future, is_in_trouble = partition.topic_partition, partition.future, False
        while future is not None and partition.future is future:
            await trio.lowlevel.checkpoint()
            log = partition.log
            if log is None or log.directory.failure is not None:
                # Offline until the next start, which goes on from here.
                return
            try:
                future.log.directory.check_online()
                if self._quota.is_exceeded():
                    await self._back_off()
                elif future.log.log_end_offset == log.log_end_offset:
                    await self._finish(partition, future)
                else:
                    await self._copy(partition, future, log)
            except KafkaError as error:
                if future.log.directory.failure is not None and partition.future is future:
                    _log.warn("replica stays where it is", partition=str(name), error=str(error))
                    self._abandon(partition)
                else:
                    # One line for each time that a partition is in trouble, not one for each attempt.
                    say = _log.debug if is_in_trouble else _log.warn
                    say("error while moving a replica, trying again", partition=str(name), error=str(error))
                    is_in_trouble = True
                    await self._back_off()
            else:
                is_in_trouble = False
            await self.settle()

    async def _back_off(self) -> None:
        await trio.sleep(self._settings.backoff_ms / 1000)

    async def _copy(self, partition: Partition, future: FutureReplica, log: Log) -> None:
        """The next stretch. Raises KafkaError, StorageError."""
        cuts = future.cuts
        with future.read_next(log, self._settings.max_bytes) as records:
            # Old records may have to come from the disk.
            data = await self._offload(partial(bytes, records.view()))
        if partition.future is future and partition.log is log and future.cuts == cuts:
            partition.append_to_future(data)
            self._quota.record(len(data))

    async def _finish(self, partition: Partition, future: FutureReplica) -> None:
        """Puts the future log, once it is on disk, in the log's place, if nothing came meanwhile.

        Raises StorageError.
        """
        await future.log.flush()
        log = partition.log
        if (
            log is None
            or partition.future is not future
            or future.log.log_end_offset != log.log_end_offset
            or future.log.is_flushing
        ):
            return
        if log.is_flushing or log.recovery_point > future.log.recovery_point:
            # Somebody was told, or is about to be, that the rest is on disk.
            future.log.flush_now()
        self._logs.replace_with_future(partition.topic_partition)
        partition.adopt_future()
        _log.info(
            "replica has moved",
            partition=str(partition.topic_partition),
            source=log.directory.path,
            destination=future.log.directory.path,
        )
        self._touched[log.directory] = None
