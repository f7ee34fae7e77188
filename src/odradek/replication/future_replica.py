"""FutureReplica: the log that takes the place of a partition's own once it holds the same (KIP-113).

It lies in another log directory of the same broker. Both logs are at hand, so nothing is asked for and
answered: what is cut from the one is cut from the other at once, and between two turns of the loop the future
log is the beginning of the log, or what its start is after records were deleted. Only what a crash left is
compared, by leader epochs. Kafka: Partition.futureLog, ReplicaAlterLogDirsThread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from odradek.errors import StorageError
from odradek.log.append_info import LogAppendInfo, UnexpectedAppendOffset
from odradek.replication.epoch_end import UNKNOWN_EPOCH_END, EpochEnd
from odradek.replication.fetch_state import NO_EPOCH, FetchState, truncation_offset

if TYPE_CHECKING:
    from odradek.log.log import Log
    from odradek.log.slice import LogSlice
    from odradek.records.batch import Buffer


def append_copied(log: Log, records: Buffer, start_anew_at: Callable[[int], None]) -> LogAppendInfo:
    """Appends what another log of the partition holds, as it is. `start_anew_at` empties this one.

    Raises KafkaError, StorageError, UnexpectedAppendOffset as the log.
    """
    try:
        return log.append_as_follower(records)
    except UnexpectedAppendOffset as error:
        is_first = log.log_end_offset == log.log_start_offset
        if not (is_first and error.first_offset < log.log_end_offset <= error.last_offset):
            raise
        # The other log starts in the middle of a batch, and that batch is the first that we get.
        start_anew_at(error.first_offset)
        return log.append_as_follower(records)


class FutureReplica:
    """The future log of one partition; owned by the `Partition`, filled by `Relocations`."""

    __slots__ = ("cuts", "log")

    def __init__(self, log: Log) -> None:
        self.log = log
        self.cuts = 0
        """How often something was dropped: what was read before does not follow any more."""

    def join(self, current: Log) -> None:
        """Drops what `current` does not hold: a crash may have left more, or other batches.

        Raises StorageError.
        """
        log = self.log
        while log.latest_epoch is not None:
            end = EpochEnd(*current.end_offset_for_epoch(log.latest_epoch))
            if end == UNKNOWN_EPOCH_END:
                break
            if not end.is_before(log.log_end_offset, log.latest_epoch):
                return
            state = FetchState(log.log_end_offset, NO_EPOCH)
            log.truncate_to(truncation_offset(state, end.leader_epoch, end.end_offset, log))
        log.truncate_fully_and_start_at(current.log_start_offset)

    def truncate_to(self, offset: int) -> None:
        """As the log was. A directory that fails here ends the move, and nothing else."""
        self.cuts += 1
        with suppress(StorageError):
            self.log.truncate_to(offset)

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """As the log was, and as `truncate_to`."""
        self.cuts += 1
        with suppress(StorageError):
            self.log.truncate_fully_and_start_at(offset)

    def read_next(self, current: Log, max_bytes: int) -> LogSlice:
        """What comes next of `current`: one batch at least, nothing if all is here.

        Raises KafkaError, StorageError.
        """
        if self.log.log_end_offset < current.log_start_offset:
            self.log.truncate_fully_and_start_at(current.log_start_offset)
        return current.read(self.log.log_end_offset, max_bytes=max_bytes, min_one_batch=True)

    def append(self, records: Buffer, current: Log, high_watermark: int) -> None:
        """What `read_next` found. Raises KafkaError, StorageError."""
        log = self.log
        append_copied(log, records, log.truncate_fully_and_start_at)
        log.on_high_watermark(min(high_watermark, log.log_end_offset))
        log.advance_log_start_offset(min(current.log_start_offset, log.log_end_offset))

    def take_over(self, current: Log, high_watermark: int) -> None:
        """Is the log from now on, and knows what `current` did beside its batches."""
        log = self.log
        log.leader_epochs.take_over(current.leader_epochs)
        log.advance_log_start_offset(current.log_start_offset)
        log.on_high_watermark(high_watermark)
