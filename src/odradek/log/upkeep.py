"""Upkeep: what is done to a broker's logs as time goes by, whoever reads and writes them.

Kafka: LogManager.startup.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from odradek.errors import StorageError
from odradek.log.doomed_files import Doomed, remove, take_due
from odradek.log.environment import LogEnvironment
from odradek.log.log import Log
from odradek.log.log_directory import LogDirectory
from odradek.log.offset_checkpoints import OffsetCheckpoints

if TYPE_CHECKING:
    from odradek.log.logs import LogsConfig

_LONGEST_WAIT_S = 30 * 24 * 60 * 60
"""Kafka's "never" is 2^63 - 1 ms, which is more than a clock of floats should be asked to add."""

_ONCE_AFTER_S = 30
"""Kafka's log.initial.task.delay.ms, which is internal."""


class Upkeep:
    """The periodic work of one broker's `Logs`, which owns it; `every` gives all logs as they are then."""

    def __init__(
        self,
        every: Callable[[], Iterable[Log]],
        directories: Sequence[LogDirectory],
        checkpoints: OffsetCheckpoints,
        doomed: deque[Doomed],
        environment: LogEnvironment,
    ) -> None:
        self._every = every
        self._directories = directories
        self._checkpoints = checkpoints
        self._doomed = doomed
        self._environment = environment

    async def run(
        self, config: LogsConfig, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Does it all at the intervals that are configured, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._environment.flushes.run, self._environment.offload)
            for interval_ms, work in (
                (min(config.flush_scheduler_interval_ms, 1000), self.flush_old),
                (config.flush_offset_checkpoint_interval_ms, self._checkpoint_recovery_points),
                (config.flush_start_offset_checkpoint_interval_ms, self._checkpoint_start_offsets),
                (config.retention_check_interval_ms, self.delete_old_segments),
                (config.producer_id_expiration_check_interval_ms, self._expire_producers),
                (1000, self.remove_doomed),
            ):
                nursery.start_soon(_at_intervals, interval_ms, work)
            task_status.started()

    async def flush_old(self) -> None:
        """Flushes logs that have waited for `flush.ms`."""
        now_ms = self._environment.clock.now_ms()
        for log in list(self._every()):
            is_dirty = log.recovery_point < log.log_end_offset
            if is_dirty and now_ms - log.last_flush_ms >= log.config.flush_ms:
                try:
                    await log.flush()
                except StorageError:
                    continue  # Logged where the directory went offline.

    async def _checkpoint_recovery_points(self) -> None:
        for directory in self._directories:
            await self._checkpoints.write_recovery_points(directory)

    async def _checkpoint_start_offsets(self) -> None:
        for directory in self._directories:
            await self._checkpoints.write_log_start_offsets(directory)

    async def _expire_producers(self) -> None:
        now_ms = self._environment.clock.now_ms()
        for log in self._every():
            log.expire_producers(now_ms)

    async def delete_old_segments(self) -> None:
        """Deletes segments before their log's start offset."""
        for log in list(self._every()):
            if log.directory.is_online:
                try:
                    log.delete_old_segments()
                except StorageError:
                    continue  # Logged where the directory went offline.

    async def remove_doomed(self) -> None:
        """Removes files and directories whose delay is over."""
        now_s = self._environment.clock.monotonic()
        paths = take_due(self._doomed, now_s)
        for log in self._every():
            # By name: the partition's directory may have been renamed since.
            paths += [os.path.join(log.path, os.path.basename(path)) for path in take_due(log.doomed, now_s)]
        if paths:
            await self._environment.offload(partial(remove, paths))


async def _at_intervals(interval_ms: int, work: Callable[[], Awaitable[None]]) -> None:
    """Kafka does once what has no interval, a while after the start."""
    if interval_ms <= 0:
        await trio.sleep(_ONCE_AFTER_S)
        await work()
        return
    while True:
        await trio.sleep(min(interval_ms / 1000, _LONGEST_WAIT_S))
        await work()
