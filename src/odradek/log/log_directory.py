"""LogDirectory: one entry of `log.dirs`; once it failed, everything in it answers KAFKA_STORAGE_ERROR.

Kafka: LogManager, LogDirFailureChannel, FileLock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from typing import NamedTuple

from odradek.errors import OdradekError, StorageError
from odradek.log.checkpoints import MalformedCheckpoint, read_offsets, write_offsets
from odradek.log.durable_files import flush_directory
from odradek.metadata.topic_partition import TopicPartition
from odradek.telemetry import get_logger

LOCK_FILE = ".lock"

_log = get_logger(__name__)


class LogDirectoryInUse(Exception):
    """Another broker has the directory locked."""


class UnusableLogDirectories(OdradekError):
    """The directories contradict themselves or hold what is no log; the broker cannot start on them."""


class DirectoryUsage(NamedTuple):
    """A log directory as DescribeLogDirs shows it; bytes are -1 where they cannot be told."""

    path: str
    is_online: bool
    total_bytes: int
    usable_bytes: int


class LogDirectory:
    """A directory of partitions' logs, and whether it can still be used; owned by `Logs`."""

    __slots__ = ("_lock_fd", "_on_failure", "failure", "had_clean_shutdown", "path")

    def __init__(self, path: str, on_failure: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._on_failure = on_failure
        self.failure: BaseException | None = None
        """What took the directory offline; it stays so until the broker is started anew."""
        self.had_clean_shutdown = False
        self._lock_fd = -1

    @property
    def is_online(self) -> bool:
        return self.failure is None

    def fail(self, error: BaseException, what: str) -> StorageError:
        """Takes the directory offline; the error to tell a client."""
        if self.failure is None:
            self.failure = error
            _log.error("log directory is offline", directory=self.path, reason=what, error=str(error))
            self._on_failure()
        return StorageError(what)

    def write_failed(self, error: OSError, what: str) -> StorageError:
        """A full disk may take the next write; any other failure takes the directory offline.

        Kafka takes it offline for either.
        """
        if error.errno in (ENOSPC, EDQUOT):
            _log.error("disk is full", directory=self.path, reason=what, error=str(error))
            return StorageError(what)
        return self.fail(error, what)

    def check_online(self) -> None:
        """Raises StorageError if the directory failed."""
        if self.failure is not None:
            raise StorageError(f"The log dir {self.path} is already offline due to a previous IO exception.")

    def sync(self) -> None:
        """Has it on disk which names are in the directory; blocks. Raises StorageError."""
        try:
            flush_directory(self.path)
        except OSError as error:
            raise self.fail(error, f"Error while flushing log dir {self.path}") from error

    def create(self) -> None:
        """Makes the directory if it is missing. Raises OSError."""
        if not os.path.isdir(self.path):
            os.makedirs(self.path)
            flush_directory(os.path.dirname(os.path.abspath(self.path)))

    def lock(self) -> None:
        """Keeps other brokers out. Raises OSError, LogDirectoryInUse.

        Kafka's lock is POSIX's, which does not hold between brokers of one process; flock does that.
        """
        descriptor = os.open(os.path.join(self.path, LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise LogDirectoryInUse(
                f"Failed to acquire lock on file {LOCK_FILE} in {self.path}. A Kafka instance in another "
                "process or thread is using this directory."
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        self._lock_fd = descriptor

    def unlock(self) -> None:
        """Lets other brokers in; as in Kafka, the lock file goes too."""
        if self._lock_fd >= 0:
            with suppress(OSError):
                os.unlink(os.path.join(self.path, LOCK_FILE))
            os.close(self._lock_fd)
            self._lock_fd = -1

    def read_offsets(self, file_name: str) -> dict[TopicPartition, int]:
        """A checkpoint of this directory; none where it is missing or damaged, which is only logged.

        Raises OSError.
        """
        try:
            return read_offsets(os.path.join(self.path, file_name))
        except MalformedCheckpoint as error:
            _log.warn("checkpoint is not readable", directory=self.path, file=file_name, error=str(error))
            return {}

    def write_offsets(self, file_name: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Raises OSError."""
        write_offsets(os.path.join(self.path, file_name), offsets)

    def usage(self) -> DirectoryUsage:
        """The space on the directory's file system; finding that it cannot be told takes it offline."""
        if self.is_online:
            try:
                space = os.statvfs(self.path)
            except OSError as error:
                self.fail(error, f"Error while reading the space of {self.path}")
            else:
                total_bytes, usable_bytes = space.f_frsize * space.f_blocks, space.f_frsize * space.f_bavail
                return DirectoryUsage(self.path, True, total_bytes, usable_bytes)
        return DirectoryUsage(self.path, False, -1, -1)
