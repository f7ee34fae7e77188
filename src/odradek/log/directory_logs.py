"""The logs of one log directory: loaded when the broker starts, closed when it stops.

Either is done by several threads, each with its share of the logs. A disk that fails meanwhile takes the
directory offline. Kafka: LogManager.loadLogs, shutdown.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import trio

from odradek.config.log_config import LogConfig
from odradek.errors import StorageError
from odradek.log.checkpoints import LOG_START_OFFSET_FILE, RECOVERY_POINT_FILE
from odradek.log.clean_shutdown import take_marker
from odradek.log.environment import LogEnvironment
from odradek.log.file_names import (
    DELETE_DIRECTORY_SUFFIX,
    FUTURE_DIRECTORY_SUFFIX,
    parse_directory_name,
)
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory, UnusableLogDirectories
from odradek.log.offload import Offload
from odradek.log.partition_metadata import MalformedPartitionMetadata, read_topic_id
from odradek.log.recovery import LoadedLog, LoadRequest, load_log
from odradek.telemetry import get_logger

_log = get_logger(__name__)

REMOTE_LOG_INDEX_CACHE = "remote-log-index-cache"
"""A directory of Kafka's tiered storage (KIP-405) among those of the partitions."""

_CLOSING_THREADS = 8
"""Share the logs of a directory: a thread for each of ten thousand logs would take 4 s more to stop."""


class LoadedPartition(NamedTuple):
    """What was asked for, what was found, and the partition's topic id if it has one."""

    request: LoadRequest
    log: LoadedLog
    topic_id: uuid.UUID | None

    @property
    def is_future(self) -> bool:
        """It was on its way to take the place of the partition's log in another directory."""
        return self.request.path.endswith(FUTURE_DIRECTORY_SUFFIX)


class DirectoryContents(NamedTuple):
    """What is in a log directory."""

    logs: Sequence[LoadedPartition] = ()
    """By path."""
    doomed: Sequence[str] = ()
    """Directories of partitions that were deleted; absolute paths."""


async def load_directory(
    directory: LogDirectory, config_of: Callable[[str], LogConfig], environment: LogEnvironment, threads: int
) -> DirectoryContents:
    """Loads every log, `config_of` giving each topic's configuration; none where the directory fails.

    Raises UnusableLogDirectories.
    """
    try:
        directory.had_clean_shutdown = take_marker(directory.path)
        requests, doomed = _find(directory, config_of, environment)
    except OSError as error:
        directory.fail(error, f"Error while loading log dir {directory.path}")
        return DirectoryContents()
    loaded: list[LoadedPartition] = []

    async def load_share(share: Sequence[LoadRequest]) -> None:
        try:
            loaded.extend(await environment.offload(partial(_load_all, share)))
        except OSError as error:
            directory.fail(error, f"Error while loading log dir {directory.path}")

    async with trio.open_nursery() as nursery:
        for first in range(min(threads, len(requests))):
            nursery.start_soon(load_share, requests[first::threads])
    if not directory.is_online:
        return DirectoryContents(doomed=doomed)
    return DirectoryContents(sorted(loaded, key=lambda each: each.request.path), doomed)


def _find(
    directory: LogDirectory, config_of: Callable[[str], LogConfig], environment: LogEnvironment
) -> tuple[list[LoadRequest], list[str]]:
    """What is to be loaded, and the paths of what is to be removed. Raises OSError."""
    recovery_points = directory.read_offsets(RECOVERY_POINT_FILE)
    start_offsets = directory.read_offsets(LOG_START_OFFSET_FILE)
    now_ms = environment.clock.now_ms()
    requests, doomed = [], []
    for name in sorted(os.listdir(directory.path)):
        path = os.path.join(directory.path, name)
        if not os.path.isdir(path) or name == REMOTE_LOG_INDEX_CACHE:
            continue
        try:
            topic_partition, suffix = parse_directory_name(name)
        except ValueError as error:
            raise UnusableLogDirectories(str(error)) from error
        if suffix == DELETE_DIRECTORY_SUFFIX:
            doomed.append(path)
        elif suffix not in ("", FUTURE_DIRECTORY_SUFFIX):
            _log.warn("directory is left alone", directory=path)
        else:
            requests.append(
                LoadRequest(
                    topic_partition,
                    path,
                    config_of(topic_partition.topic),
                    now_ms,
                    environment.producer_id_expiration_ms,
                    start_offsets.get(topic_partition, 0),
                    recovery_points.get(topic_partition, 0),
                    directory.had_clean_shutdown,
                )
            )
    return requests, doomed


def _load_all(requests: Sequence[LoadRequest]) -> list[LoadedPartition]:
    """Loads logs one after the other; blocks. Raises OSError."""
    loaded = []
    for request in requests:
        try:
            topic_id = read_topic_id(request.path)
        except MalformedPartitionMetadata as error:
            _log.warn("topic id is not readable", partition=str(request.topic_partition), error=str(error))
            topic_id = None
        loaded.append(LoadedPartition(request, load_log(request), topic_id))
    return loaded


async def close_logs(directory: LogDirectory, logs: Sequence[Log], offload: Offload) -> None:
    """Flushes and closes the logs of a directory, or lets their files go where it is, or goes, offline."""
    async with trio.open_nursery() as nursery:
        # All at once: a disk syncs many files in little more time than one.
        for log in logs:
            if log.recovery_point < log.log_end_offset:
                nursery.start_soon(_flush, log)
    async with trio.open_nursery() as nursery:
        for first in range(_CLOSING_THREADS):
            nursery.start_soon(_close_share, directory, logs[first::_CLOSING_THREADS], offload)


async def _flush(log: Log) -> None:
    """What cannot be flushed is noted where the directory goes offline."""
    with suppress(StorageError):
        await log.flush()


async def _close_share(directory: LogDirectory, logs: Sequence[Log], offload: Offload) -> None:
    if directory.is_online:
        for log, error in await offload(partial(_close_all, logs)):
            directory.fail(error, f"Error while closing log of {log.topic_partition}")
    else:
        for log in logs:
            log.close_files()


def _close_all(logs: Sequence[Log]) -> list[tuple[Log, OSError]]:
    """Closes logs; blocks. Those that could not be written, with the reason."""
    failed = []
    for log in logs:
        try:
            log.close()
        except OSError as error:
            log.close_files()
            failed.append((log, error))
    return failed
