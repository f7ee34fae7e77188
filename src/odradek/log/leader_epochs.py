"""LeaderEpochs: at which offset each leader epoch of a partition began.

The answer to "where does epoch E end?" is how a follower finds out where its log and the leader's part
(KIP-101, KIP-279). An epoch is written to `leader-epoch-checkpoint` (epoch, start offset; see `checkpoints`)
when its first batch arrives, and synced with the next flush of the log: what is not flushed is read again
after a crash, and with it its epochs. Truncation does not write: stale entries in the file are cut again when
the log is loaded. Nor does an election, but a partition's first (in Kafka each does): loading would cut an
epoch without batches, and the elections of a start would replace a file for each of ten thousand partitions.

Kafka: LeaderEpochFileCache.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import NamedTuple

from odradek.log.checkpoints import (
    LEADER_EPOCH_FILE,
    MalformedCheckpoint,
    format_checkpoint,
    read_checkpoint,
)
from odradek.log.durable_files import create_empty, replace_file, write_file

UNDEFINED_EPOCH = -1
UNDEFINED_OFFSET = -1

_NOT_WRITTEN = -2


class EpochEntry(NamedTuple):
    """A leader epoch and the offset of its first record."""

    epoch: int
    start_offset: int


class LeaderEpochs:
    """The epochs of one log, ascending in both fields; owned by the log."""

    __slots__ = ("_entries", "dirty", "latest_epoch", "path", "written_epoch")

    def __init__(self, directory: str | os.PathLike[str], entries: list[EpochEntry] | None = None) -> None:
        self.path = os.path.join(os.fspath(directory), LEADER_EPOCH_FILE)
        self._entries: list[EpochEntry] = []
        self.latest_epoch = UNDEFINED_EPOCH
        """-1 while there is none."""
        self.dirty = False
        """The file lags behind by entries that were cut."""
        for entry in entries or ():
            self._assign(entry)
        self.written_epoch = self.latest_epoch
        """The latest, if the file has it: the epoch whose batches need no `assign`."""

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> LeaderEpochs:
        """The epochs of a partition's directory; an empty file where it is missing.

        Raises OSError, MalformedCheckpoint.
        """
        path = os.path.join(os.fspath(directory), LEADER_EPOCH_FILE)
        if not os.path.exists(path):
            create_empty(path)
            return cls(directory)
        try:
            entries = [EpochEntry(int(epoch), int(offset)) for epoch, offset in read_checkpoint(path, 2)]
        except ValueError as error:
            raise MalformedCheckpoint(str(error)) from error
        return cls(directory, entries)

    @property
    def entries(self) -> tuple[EpochEntry, ...]:
        return tuple(self._entries)

    def assign(self, epoch: int, start_offset: int) -> None:
        """`epoch` starts at `start_offset`, unless it is the latest already; writes the file. Raises OSError.

        Entries that contradict it (a later epoch or a later start) are dropped: the newest word counts.
        """
        self.elect(epoch, start_offset)
        if self.written_epoch != self.latest_epoch:
            self.save(sync=False)

    def elect(self, epoch: int, start_offset: int) -> None:
        """As `assign`, but the file is only written if it is empty, and else with the epoch's first batch."""
        if self._entries and epoch == self.latest_epoch and start_offset >= self._entries[-1].start_offset:
            return
        if epoch < 0 or start_offset < 0:
            raise ValueError(f"Received invalid partition leader epoch entry ({epoch}, {start_offset})")
        is_first = not self._entries and not self.dirty
        self._assign(EpochEntry(epoch, start_offset))
        self.written_epoch = _NOT_WRITTEN
        if is_first:
            # In place: an empty file has nothing to lose, and ext4 writes back what a rename replaces.
            write_file(self.path, self.format().encode())
            self.written_epoch = epoch

    def _assign(self, entry: EpochEntry) -> None:
        entries = self._entries
        while entries and (
            entries[-1].epoch >= entry.epoch or entries[-1].start_offset >= entry.start_offset
        ):
            entries.pop()
        entries.append(entry)
        self.latest_epoch = entry.epoch

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """(largest epoch not above `epoch`, its end offset, exclusive); (-1, -1) where nothing is known.

        The latest epoch ends at the log's end; an epoch before the first known ends where that one begins.
        """
        if epoch == UNDEFINED_EPOCH:
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        if epoch == self.latest_epoch:
            return epoch, log_end_offset
        higher = self._number_above(epoch)
        if higher == len(self._entries):
            return UNDEFINED_EPOCH, UNDEFINED_OFFSET
        end_offset = self._entries[higher].start_offset
        return (epoch if higher == 0 else self._entries[higher - 1].epoch), end_offset

    def _number_above(self, epoch: int) -> int:
        return bisect_right(self._entries, epoch, key=lambda entry: entry.epoch)

    @property
    def earliest(self) -> EpochEntry | None:
        return self._entries[0] if self._entries else None

    def truncate_from_end(self, end_offset: int) -> None:
        """Drops epochs that start at or past `end_offset`."""
        entries = self._entries
        while entries and end_offset >= 0 and entries[-1].start_offset >= end_offset:
            entries.pop()
            self.dirty = True
            self.written_epoch = _NOT_WRITTEN
        self.latest_epoch = entries[-1].epoch if entries else UNDEFINED_EPOCH

    def truncate_from_start(self, start_offset: int) -> None:
        """Drops epochs that ended before `start_offset`; the one that holds it starts there now."""
        number = bisect_right(self._entries, start_offset, key=lambda entry: entry.start_offset)
        if number and self._entries[number - 1].start_offset == start_offset and number == 1:
            return
        if number:
            self._entries[:number] = [EpochEntry(self._entries[number - 1].epoch, start_offset)]
            self.dirty = True

    def take_over(self, other: LeaderEpochs) -> None:
        """Knows what those of another log of the partition do, elections without batches included."""
        self._entries = list(other._entries)
        self.latest_epoch = other.latest_epoch
        self.dirty = True
        self.written_epoch = _NOT_WRITTEN

    def clear(self) -> None:
        """Forgets all, in the file too. Raises OSError."""
        self._entries.clear()
        self.latest_epoch = UNDEFINED_EPOCH
        self.save(sync=False)

    def save(self, *, sync: bool = True) -> None:
        """Replaces the file. Raises OSError."""
        replace_file(self.path, self.format(), sync=sync)
        self.written_epoch = self.latest_epoch
        self.dirty = False

    def format(self) -> str:
        """The file's content."""
        return format_checkpoint(f"{entry.epoch} {entry.start_offset}" for entry in self._entries)
