"""Logs: every log of this broker, over its log directories.

Opening locks the directories and loads what is in them; `run` keeps the upkeep going; `close` leaves
each healthy directory as a clean stop must. A directory that fails goes offline with its logs and the broker
stays up, even when it was the last (Kafka halts then).

Kafka: LogManager.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain

import trio

from odradek.clock import Clock
from odradek.config.log_config import MAX_LONG, LogConfig
from odradek.errors import KafkaError, StorageError
from odradek.log.clean_shutdown import write_marker
from odradek.log.directory_logs import LoadedPartition, close_logs, load_directory
from odradek.log.doomed_files import Doomed
from odradek.log.environment import DAY_MS, LogEnvironment
from odradek.log.file_names import (
    DELETE_DIRECTORY_SUFFIX,
    FUTURE_DIRECTORY_SUFFIX,
    directory_name,
    unique_directory_name,
)
from odradek.log.log import Log
from odradek.log.log_directory import DirectoryUsage, LogDirectory, UnusableLogDirectories
from odradek.log.offload import Offload, in_thread
from odradek.log.offset_checkpoints import OffsetCheckpoints
from odradek.log.partition_metadata import encode_uuid
from odradek.log.recovery import LoadRequest, load_log
from odradek.log.upkeep import Upkeep
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.value_object import value_object


@value_object
class LogsConfig:
    """Where the logs are and how often they are looked after; times in ms, defaults Kafka's."""

    log_dirs: tuple[str, ...]
    flush_scheduler_interval_ms: int = MAX_LONG
    flush_offset_checkpoint_interval_ms: int = 60_000
    flush_start_offset_checkpoint_interval_ms: int = 60_000
    retention_check_interval_ms: int = 300_000
    producer_id_expiration_ms: int = DAY_MS
    producer_id_expiration_check_interval_ms: int = 600_000
    recovery_threads_per_data_dir: int = 1
    """num.recovery.threads.per.data.dir: how many load a directory's logs at the start"""
    validate_records: bool = False
    """odradek.validate.records=full"""


class Logs:
    """The logs by partition, and the future ones, which are to take their places in other directories.

    Owned by the broker's one task of state.
    """

    def __init__(self, config: LogsConfig, environment: LogEnvironment) -> None:
        self._config = config
        self._environment = environment
        self._logs: dict[TopicPartition, Log] = {}
        self._futures: dict[TopicPartition, Log] = {}
        self._preferred: dict[TopicPartition, LogDirectory] = {}
        """Where the next log of a partition is wanted."""
        self._log_directories: list[LogDirectory] = []
        self._doomed: deque[Doomed] = deque()
        self._checkpoints = OffsetCheckpoints(self._logs, self._every, environment.offload)
        self.upkeep = Upkeep(self._every, self._log_directories, self._checkpoints, self._doomed, environment)
        self._failed = trio.Event()

    @classmethod
    async def open(
        cls,
        config: LogsConfig,
        clock: Clock,
        *,
        config_of: Callable[[str], LogConfig],
        offload: Offload = in_thread,
    ) -> Logs:
        """Locks the directories and loads their logs, `config_of` giving each topic's configuration.

        A directory that fails is offline from the start. Raises UnusableLogDirectories, LogDirectoryInUse.
        """
        environment = LogEnvironment(
            clock,
            offload,
            producer_id_expiration_ms=config.producer_id_expiration_ms,
            validate_records=config.validate_records,
        )
        logs = cls(config, environment)
        try:
            for path in config.log_dirs:
                logs._open_directory(path)
            for directory in logs._log_directories:
                if directory.is_online:
                    await logs._load_directory(directory, config_of)
            logs._failed = trio.Event()
        except BaseException:
            logs._abandon()
            raise
        return logs

    def _open_directory(self, path: str) -> None:
        path = os.path.abspath(path)
        if any(
            os.path.realpath(directory.path) == os.path.realpath(path) for directory in self._log_directories
        ):
            raise UnusableLogDirectories(f"Duplicate log directory found: {path}")
        directory = LogDirectory(path, lambda: self._failed.set())
        self._log_directories.append(directory)
        try:
            directory.create()
            directory.lock()
        except OSError as error:
            directory.fail(error, f"Failed to create or validate data directory {path}")

    async def _load_directory(self, directory: LogDirectory, config_of: Callable[[str], LogConfig]) -> None:
        threads = self._config.recovery_threads_per_data_dir
        contents = await load_directory(directory, config_of, self._environment, threads)
        now_s = self._environment.clock.monotonic()
        self._doomed.extend(Doomed(now_s, path) for path in contents.doomed)
        for loaded in contents.logs:
            self._add(loaded, directory)

    def _add(self, loaded: LoadedPartition, directory: LogDirectory) -> Log:
        topic_partition = loaded.request.topic_partition
        logs = self._futures if loaded.is_future else self._logs
        if topic_partition in logs:
            raise UnusableLogDirectories(
                f"Duplicate log directories for {topic_partition} are found in both {loaded.log.path} and "
                f"{logs[topic_partition].path}."
            )
        log = Log(topic_partition, loaded.request.config, loaded.log, directory, self._environment)
        log.topic_id = loaded.topic_id
        logs[topic_partition] = log
        return log

    def _abandon(self) -> None:
        for log in self._every():
            log.close_files()
        for directory in self._log_directories:
            directory.unlock()

    # Looking

    def get(self, topic_partition: TopicPartition) -> Log | None:
        return self._logs.get(topic_partition)

    def all(self) -> Iterable[Log]:
        return self._logs.values()

    def future(self, topic_partition: TopicPartition) -> Log | None:
        """The log that is to take the place of the partition's own, None if there is none."""
        return self._futures.get(topic_partition)

    def futures(self) -> Iterable[Log]:
        """Those of all partitions that move."""
        return self._futures.values()

    def _every(self) -> Iterable[Log]:
        return chain(self._logs.values(), self._futures.values())

    @property
    def offload(self) -> Offload:
        """Where work on the disks of these logs is done."""
        return self._environment.offload

    @property
    def log_directories(self) -> Sequence[LogDirectory]:
        return self._log_directories

    @property
    def directories(self) -> list[DirectoryUsage]:
        """The directories with the space on their file systems."""
        return [directory.usage() for directory in self._log_directories]

    # Creating and deleting

    def create(
        self,
        topic_partition: TopicPartition,
        topic_id: uuid.UUID | None,
        config: LogConfig,
        *,
        is_new: bool = True,
    ) -> Log:
        """The partition's log, made in the directory with the fewest logs if there is none.

        `is_new` False says that this broker should have one: while a directory is offline it may be in there.
        Raises StorageError, KafkaError(INCONSISTENT_TOPIC_ID).
        """
        log = self._logs.get(topic_partition)
        if log is None:
            log = self._create(topic_partition, config, is_new)
        if topic_id is not None:
            if log.topic_id is None:
                log.assign_topic_id(topic_id)
            elif log.topic_id != topic_id:
                raise KafkaError(
                    ErrorCode.INCONSISTENT_TOPIC_ID,
                    f"Tried to assign topic ID {encode_uuid(topic_id)} to log for topic partition "
                    f"{topic_partition},but log already contained topic ID {encode_uuid(log.topic_id)}",
                )
        return log

    def _create(self, topic_partition: TopicPartition, config: LogConfig, is_new: bool) -> Log:
        if not is_new:
            self._check_all_online(topic_partition)
        preferred = self._preferred.get(topic_partition)
        candidates = self._by_fewest_logs() if preferred is None else [preferred]
        return self._create_in(candidates, topic_partition, config, directory_name(topic_partition))

    def _check_all_online(self, topic_partition: TopicPartition) -> None:
        """Raises StorageError."""
        offline = [directory.path for directory in self._log_directories if not directory.is_online]
        if offline:
            raise StorageError(
                f"Can not create log for {topic_partition} because log directories {','.join(offline)} "
                "are offline"
            )

    def _create_in(
        self, candidates: list[LogDirectory], topic_partition: TopicPartition, config: LogConfig, name: str
    ) -> Log:
        """In the first directory that takes it; a preference is satisfied then. Raises StorageError."""
        for directory in candidates:
            path = os.path.join(directory.path, name)
            try:
                directory.check_online()
                os.makedirs(path, exist_ok=True)
                request = LoadRequest(
                    topic_partition,
                    path,
                    config,
                    self._environment.clock.now_ms(),
                    self._config.producer_id_expiration_ms,
                )
                log = self._add(LoadedPartition(request, load_log(request), None), directory)
            except StorageError:
                continue
            except OSError as error:
                directory.fail(
                    error, f"Error while creating log for {topic_partition} in dir {directory.path}"
                )
                continue
            self._preferred.pop(topic_partition, None)
            return log
        tried = ", ".join(directory.path for directory in candidates or self._log_directories)
        raise StorageError(f"No log directories available. Tried {tried}")

    def _by_fewest_logs(self) -> list[LogDirectory]:
        online = [directory for directory in self._log_directories if directory.is_online]
        if len(online) == 1:
            return online
        counts = dict.fromkeys(online, 0)
        for log in self._every():
            if log.directory in counts:
                counts[log.directory] += 1
        return sorted(online, key=counts.__getitem__)

    async def delete(self, topic_partition: TopicPartition) -> None:
        """Takes the log away; its files go after file.delete.delay.ms. Nothing happens without one.

        Raises StorageError: it is still there then, in a directory that failed.
        """
        directory = self.remove_future(topic_partition)
        if directory is not None:
            await self.checkpoint_directory(directory)
        log = self._logs.get(topic_partition)
        if log is None:
            return
        log.directory.check_online()
        self._doom(log)
        del self._logs[topic_partition]
        await self.checkpoint_directory(log.directory)

    def _doom(self, log: Log) -> None:
        """Renames the log's directory for its deletion. Raises StorageError."""
        log.rename_directory(unique_directory_name(log.topic_partition, DELETE_DIRECTORY_SUFFIX))
        log.close_files()
        due_s = self._environment.clock.monotonic() + log.config.file_delete_delay_ms / 1000
        self._doomed.append(Doomed(due_s, log.path))

    # Moving to another directory (KIP-113)

    def directory(self, path: str) -> LogDirectory:
        """The directory of that absolute path. Raises KafkaError(LOG_DIR_NOT_FOUND)."""
        for directory in self._log_directories:
            if directory.path == path:
                return directory
        raise KafkaError(ErrorCode.LOG_DIR_NOT_FOUND, f"Log dir {path} is not found in the config.")

    def prefer(self, topic_partition: TopicPartition, directory: LogDirectory) -> None:
        """The next log of a partition is to be made there, unless one of its logs is there already."""
        logs = (self._logs.get(topic_partition), self._futures.get(topic_partition))
        if not any(log is not None and log.directory is directory for log in logs):
            self._preferred[topic_partition] = directory

    def create_future(self, current: Log) -> Log:
        """An empty log in the directory preferred for a partition, to take the place of the one it has.

        Raises StorageError: also while any directory is offline, for another may be in there.
        """
        topic_partition = current.topic_partition
        self._check_all_online(topic_partition)
        directory = self._preferred[topic_partition]
        name = unique_directory_name(topic_partition, FUTURE_DIRECTORY_SUFFIX)
        log = self._create_in([directory], topic_partition, current.config, name)
        if current.topic_id is not None:
            log.assign_topic_id(current.topic_id)
        return log

    def remove_future(self, topic_partition: TopicPartition) -> LogDirectory | None:
        """Takes a future log away, as `delete` does; one in a directory that failed is only forgotten.

        The directory, in which `checkpoint_directory` is due; None where there was none.
        """
        log = self._futures.pop(topic_partition, None)
        if log is None:
            return None
        self._doom_if_online(log)
        return log.directory

    def replace_with_future(self, topic_partition: TopicPartition) -> None:
        """The future log is the partition's log now, and the old one leaves; `checkpoint_directory` is due.

        What is on disk of the old one must be on disk of the future one. Raises StorageError, with all as it
        was; also where the old one cannot leave, for a start stops at two logs under one name. Kafka:
        LogManager.replaceCurrentWithFutureLog.
        """
        old, log = self._logs[topic_partition], self._futures[topic_partition]
        name = os.path.basename(log.path)
        log.rename_directory(directory_name(topic_partition))
        try:
            # A crash may leave two logs under the name, which stops the next start, but never none.
            log.directory.sync()
            self._doom(old)
        except StorageError:
            self._take_back(log, name)
            raise
        with suppress(StorageError):
            # Else the name could be back after a loss of power.
            old.directory.sync()
        self._logs[topic_partition] = self._futures.pop(topic_partition)

    def _take_back(self, log: Log, name: str) -> None:
        """Gives a directory the name that it had; one that went offline, too, if that is still possible."""
        path = os.path.join(log.directory.path, name)
        with suppress(StorageError):
            log.rename_directory(name)
            log.directory.sync()
            return
        with suppress(OSError):
            os.rename(log.path, path)

    def _doom_if_online(self, log: Log) -> None:
        try:
            self._doom(log)
        except StorageError:
            log.close_files()

    # Checkpoints

    def read_high_watermarks(self) -> dict[TopicPartition, int]:
        """replication-offset-checkpoint of every directory that can be read."""
        return self._checkpoints.read_high_watermarks(self._log_directories)

    async def write_high_watermarks(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Each partition's high watermark into the checkpoint beside its log, in place of what was there."""
        await self._checkpoints.write_high_watermarks(self._log_directories, offsets)

    async def checkpoint(self) -> None:
        """Writes recovery points and log start offsets of all directories now."""
        for directory in self._log_directories:
            await self.checkpoint_directory(directory)

    async def checkpoint_directory(self, directory: LogDirectory) -> None:
        """Writes a directory's recovery points and log start offsets now."""
        await self._checkpoints.write_recovery_points(directory)
        await self._checkpoints.write_log_start_offsets(directory)

    async def checkpoint_recovery_points(self, directory: LogDirectory) -> None:
        """Writes a directory's recovery points now: a log was cut below its own."""
        await self._checkpoints.write_recovery_points(directory)

    async def wait_directory_failed(self) -> None:
        """Returns once another directory is offline than were at the start or when this returned last."""
        await self._failed.wait()
        self._failed = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Flushes, checkpoints, expires and deletes as time goes by, until cancelled."""
        await self.upkeep.run(self._config, task_status=task_status)

    # Closing

    async def close(self, broker_epoch: int = -1) -> None:
        """Flushes and closes every log, and marks each healthy directory as stopped in order."""
        for directory in self._log_directories:
            logs = [log for log in self._every() if log.directory is directory]
            if directory.is_online:
                await self._close_directory(directory, logs, broker_epoch)
            else:
                for log in logs:
                    log.close_files()
            directory.unlock()
        self._logs.clear()
        self._futures.clear()

    async def _close_directory(self, directory: LogDirectory, logs: list[Log], broker_epoch: int) -> None:
        await close_logs(directory, logs, self._environment.offload)
        await self.checkpoint_directory(directory)
        if directory.is_online:
            try:
                await self._environment.offload(partial(write_marker, directory.path, broker_epoch))
            except OSError as error:
                directory.fail(error, f"Error while marking {directory.path} as closed")
