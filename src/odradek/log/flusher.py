"""fsync, off the loop: one at a time for a log, shared by all who wait for it (group commit).

Whoever comes while a flush is under way waits for the next one, which then covers everything appended by the
time it starts. A segment that was rolled is flushed soon after, in the background; apart from that a log is
flushed when `flush.messages` or `flush.ms` say so: what protects a record is its replicas (and, against the
death of the process alone, the page cache).

Kafka: UnifiedLog.flush, LocalLog.flush.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from odradek.errors import StorageError
from odradek.log.durable_files import flush_directory, flush_file
from odradek.telemetry import get_logger
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.log.log import Log
    from odradek.log.offload import Offload

_log = get_logger(__name__)


@value_object
class FlushJob:
    """What a thread is to sync: files, and the directory if one of them is new."""

    files: Sequence[str]
    directory: str | None

    def run(self) -> None:
        """Blocks. Raises OSError."""
        for path in self.files:
            flush_file(path)
        if self.directory is not None:
            flush_directory(self.directory)


class Flusher:
    """The flushes of one log; owned by it."""

    __slots__ = ("_done", "_log", "_offload", "_target")

    def __init__(self, log: Log, offload: Offload) -> None:
        self._log = log
        self._offload = offload
        self._done: trio.Event | None = None
        self._target = 0

    @property
    def is_busy(self) -> bool:
        """Whether a flush is under way."""
        return self._done is not None

    async def flush(self, up_to_offset: int) -> None:
        """Returns once everything below `up_to_offset` is on disk. Raises StorageError."""
        log = self._log
        while log.recovery_point < min(up_to_offset, log.log_end_offset):
            if self._done is not None:
                await self._done.wait()
            else:
                await self._flush_all()

    async def _flush_all(self) -> None:
        log = self._log
        log.directory.check_online()
        self._target = log.log_end_offset
        job = log.flush_job()
        self._done = trio.Event()
        try:
            await self.run(job)
        finally:
            self._done.set()
            self._done = None
        log.mark_flushed(self._target)

    async def run(self, job: FlushJob) -> None:
        """Returns once the files of a job are on disk, whatever else is. Raises StorageError."""
        log = self._log
        try:
            await self._offload(job.run)
        except OSError as error:
            raise log.directory.fail(error, f"Error while flushing log for {log.topic_partition}") from error

    def on_truncated(self, offset: int) -> None:
        """What comes at and after `offset` from now on is not covered by the flush under way."""
        self._target = min(self._target, offset)


class FlushQueue:
    """Flushes that nobody waits for."""

    __slots__ = ("_jobs", "_wanted", "_woken")

    def __init__(self) -> None:
        self._wanted: dict[Log, int] = {}
        self._jobs: list[FlushJob] = []
        self._woken = trio.Event()

    def request(self, log: Log, up_to_offset: int) -> None:
        self._wanted[log] = up_to_offset
        self._woken.set()

    def request_job(self, job: FlushJob) -> None:
        """Files that belong to no offset."""
        self._jobs.append(job)
        self._woken.set()

    async def run(self, offload: Offload) -> None:
        """Flushes what is requested, for ever. A failing disk takes its directory offline and no more."""
        while True:
            await self._woken.wait()
            self._woken = trio.Event()
            wanted, self._wanted = self._wanted, {}
            jobs, self._jobs = self._jobs, []
            if jobs:
                await offload(partial(_run_all, jobs))
            for log, up_to_offset in wanted.items():
                try:
                    await log.flush(up_to_offset)
                except StorageError:
                    continue  # Logged where the directory went offline.


def _run_all(jobs: Sequence[FlushJob]) -> None:
    """Blocks; in one go, because a thousand new partitions are a thousand jobs."""
    for job in jobs:
        try:
            job.run()
        except OSError as error:
            _log.warn("files are not flushed", files=str(job.files), error=str(error))
