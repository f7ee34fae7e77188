"""Segment: one .log file with its indexes, the batches from its base offset up to the next segment's.

Knows which offsets and times its batches have and where in the file each is; the file itself is
`FileRecords`. Kafka: LogSegment.
"""

from __future__ import annotations

import os
from itertools import islice
from struct import Struct
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.log.durable_files import create_empty
from odradek.log.file_names import (
    DELETED_SUFFIX,
    INDEX_SUFFIX,
    LOG_SUFFIX,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    offset_file_name,
)
from odradek.log.file_records import BATCH_PREFIX, FileRecords
from odradek.log.offset_index import MAX_RELATIVE_OFFSET, OffsetIndex
from odradek.log.slice import LogSlice
from odradek.log.time_index import TimeIndex
from odradek.log.timestamp_search import LongSearch, TimestampedOffset
from odradek.log.transaction_index import TransactionIndex
from odradek.records.batch import MAGIC_OFFSET, PREFIX_SIZE_BYTES, BatchHeader
from odradek.records.compression import TakesLong
from odradek.records.record import read_records

_LAST_OFFSET_DELTA = Struct(">i")
_LAST_OFFSET_DELTA_OFFSET = 23
_LOCATE_BYTES = 26
"""The least that a message of magic 0 has, and nearly all that is looked at of any batch."""

_RECENT_BATCHES = 512
"""Batches of the active segment whose place is remembered, for whoever follows the log's end."""

_FOLLOWED_READERS = 64
"""Readers of a segment, batch by batch, for whom the place of the next is remembered."""

_MAX_DISPROVED_BATCHES = 8
"""Batches whose max timestamp is none of their records', read for one question about a time."""


class SegmentLimits(NamedTuple):
    """When a segment is full, and how densely it is indexed."""

    index_interval_bytes: int
    index_size_bytes: int
    roll_jitter_ms: int = 0


class RollRules(NamedTuple):
    """When the active segment gives way to a new one: by size, and by the time between records."""

    segment_bytes: int
    segment_ms: int


class Segment:
    """The batches of [base_offset, the next segment's base); owned by its log."""

    __slots__ = (
        "_bytes_since_index_entry",
        "_following",
        "_max_timestamp",
        "_offset_of_max_timestamp",
        "_recent",
        "base_offset",
        "created_ms",
        "file",
        "index_interval_bytes",
        "offset_index",
        "roll_jitter_ms",
        "rolling_timestamp",
        "time_index",
        "transaction_index",
    )

    def __init__(
        self, directory: str, base_offset: int, limits: SegmentLimits, size_bytes: int, now_ms: int
    ) -> None:
        def path(suffix: str) -> str:
            return os.path.join(directory, offset_file_name(base_offset, suffix))

        self.base_offset = base_offset
        self.file = FileRecords(path(LOG_SUFFIX), size_bytes)
        self.offset_index = OffsetIndex(path(INDEX_SUFFIX), base_offset, limits.index_size_bytes)
        self.time_index = TimeIndex(path(TIME_INDEX_SUFFIX), base_offset, limits.index_size_bytes)
        self.transaction_index = TransactionIndex(path(TRANSACTION_INDEX_SUFFIX), base_offset)
        self.created_ms = now_ms
        self.roll_jitter_ms = limits.roll_jitter_ms
        self.rolling_timestamp: int | None = None
        """Of the first batch; None until it was looked up. Segments are rolled by it."""
        self.index_interval_bytes = limits.index_interval_bytes
        self._bytes_since_index_entry = 0
        self._max_timestamp: int | None = None
        self._offset_of_max_timestamp = -1
        self._recent: dict[int, tuple[int, int]] = {}
        self._following: dict[int, int] = {}
        """Where the batch begins that comes next, by the offset after the one that was found last."""

    @classmethod
    def create(cls, directory: str, base_offset: int, limits: SegmentLimits, now_ms: int) -> Segment:
        """A new, empty segment; replaces leftovers of the same name. Raises OSError."""
        segment = cls(directory, base_offset, limits, 0, now_ms)
        create_empty(segment.path)
        segment.offset_index.create()
        segment.time_index.create()
        if os.path.exists(segment.transaction_index.path):
            os.unlink(segment.transaction_index.path)
        return segment

    @classmethod
    def open(cls, directory: str, base_offset: int, limits: SegmentLimits, now_ms: int) -> Segment:
        """A segment that is there; files are opened when they are needed. Raises OSError."""
        path = os.path.join(directory, offset_file_name(base_offset, LOG_SUFFIX))
        return cls(directory, base_offset, limits, os.stat(path).st_size, now_ms)

    # Files

    @property
    def path(self) -> str:
        """Of the .log file."""
        return self.file.path

    @property
    def size_bytes(self) -> int:
        """Of the .log file; measured paths look there."""
        return self.file.size_bytes

    def activate(self) -> None:
        """Ready for appends: the indexes are in memory. Raises OSError."""
        self.offset_index.thaw()
        self.time_index.thaw()

    def rest(self) -> None:
        """Lets go of what only reading opened; the next use opens it again. Not while a slice is held."""
        self.file.rest()
        self.offset_index.rest()
        self.time_index.rest()

    def deactivate(self) -> None:
        """No appends will come: the indexes are mapped when they are asked."""
        self.offset_index.freeze()
        self.time_index.freeze()
        self._recent.clear()

    def close(self) -> None:
        """Writes the last time index entry and lets the files go, the .log once no slice needs it.

        Raises OSError.
        """
        try:
            if self._max_timestamp is not None and self._max_timestamp >= 0:
                self.time_index.maybe_append(self._max_timestamp, self._offset_of_max_timestamp)
        finally:
            self.close_files()

    def close_files(self) -> None:
        """Lets the files go without writing: the disk may have failed, or they are to be deleted."""
        self.offset_index.close()
        self.time_index.close()
        self.file.close()

    def file_paths(self) -> tuple[str, str, str, str]:
        return self.path, self.offset_index.path, self.time_index.path, self.transaction_index.path

    def move_to(self, directory: str) -> None:
        """The partition's directory was renamed: from now on the files are found there."""
        for part in (self.file, self.offset_index, self.time_index, self.transaction_index):
            part.path = os.path.join(directory, os.path.basename(part.path))

    def mark_deleted(self) -> list[str]:
        """Renames the files for their deletion and closes them; the new paths. Raises OSError."""
        self.file.before_rename()
        self.close_files()
        renamed = []
        for path in self.file_paths():
            try:
                os.rename(path, path + DELETED_SUFFIX)
            except FileNotFoundError:
                continue
            renamed.append(path + DELETED_SUFFIX)
        return renamed

    # Appending

    def can_hold(self, offset: int) -> bool:
        """Whether `offset` can be written relative to the base offset."""
        return 0 <= offset - self.base_offset <= MAX_RELATIVE_OFFSET

    def append(self, records: memoryview | bytes | bytearray, headers: list[BatchHeader]) -> None:
        """Adds whole batches, `headers` theirs in order, offsets assigned; indexes them as they come due.

        A write that fails leaves the segment as it was, if the disk lets us cut off what it took; then raises
        OSError.
        """
        file = self.file
        start = position = file.size_bytes
        if not start:
            self.rolling_timestamp = (
                headers[0].max_timestamp if len(headers) == 1 else _max_timestamp(headers)
            )
        max_timestamp = self.max_timestamp
        before = (max_timestamp, self._offset_of_max_timestamp, self._bytes_since_index_entry)
        try:
            file.write(records, start)
            for header in headers:
                size_bytes = header.batch_length + PREFIX_SIZE_BYTES
                last_offset = header.base_offset + header.last_offset_delta
                if header.max_timestamp > max_timestamp:
                    self._max_timestamp = max_timestamp = header.max_timestamp
                    self._offset_of_max_timestamp = last_offset
                if self._bytes_since_index_entry > self.index_interval_bytes:
                    self.offset_index.append(last_offset, position)
                    self.time_index.maybe_append(max_timestamp, self._offset_of_max_timestamp)
                    self._bytes_since_index_entry = 0
                self._bytes_since_index_entry += size_bytes
                if header.magic == 2:
                    self._recent[header.base_offset] = (position, size_bytes)
                position += size_bytes
        except OSError:
            self._undo_append(headers[0].base_offset)
            self._max_timestamp, self._offset_of_max_timestamp, self._bytes_since_index_entry = before
            raise
        file.size_bytes = position
        if len(self._recent) > _RECENT_BATCHES:
            for offset in list(islice(self._recent, _RECENT_BATCHES // 2)):
                del self._recent[offset]

    def _undo_append(self, base_offset: int) -> None:
        for offset in [offset for offset in self._recent if offset >= base_offset]:
            del self._recent[offset]
        if not self.size_bytes:
            self.rolling_timestamp = None
        self.offset_index.truncate_to(base_offset)
        self.time_index.truncate_to(base_offset)
        self.file.undo_write()

    def seal(self) -> None:
        """The segment is not the active one any more: completes the time index, maps both. Raises OSError."""
        self.time_index.maybe_append(self.max_timestamp, self._offset_of_max_timestamp)
        self.deactivate()

    def should_roll(
        self, size_bytes: int, last_offset: int, max_timestamp: int, rules: RollRules, now_ms: int
    ) -> bool:
        """Whether an append of `size_bytes` up to `last_offset` belongs into a new segment. Measured path."""
        own_size_bytes = self.file.size_bytes
        if own_size_bytes > rules.segment_bytes - size_bytes:
            return True
        if own_size_bytes and self.waited_ms(now_ms, max_timestamp) > rules.segment_ms - self.roll_jitter_ms:
            return True
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        return self.offset_index.is_full or self.time_index.is_full

    def waited_ms(self, now_ms: int, max_timestamp: int) -> int:
        """How far a batch's timestamp is from the first batch's; without one, the segment's age."""
        first = self.rolling_timestamp
        if first is None:
            first = self.rolling_timestamp = next(
                (header.max_timestamp for _, header in self.file.batches()), None
            )
        if first is not None and first >= 0:
            return max_timestamp - first
        return now_ms - self.created_ms

    # Reading

    @property
    def max_timestamp(self) -> int:
        """The largest in the segment, -1 for none; out of the time index until something was appended."""
        if self._max_timestamp is None:
            self._max_timestamp, self._offset_of_max_timestamp = self.time_index.last_entry()
        return self._max_timestamp

    @property
    def offset_of_max_timestamp(self) -> int:
        """Last offset of the first batch that has `max_timestamp`."""
        return self._offset_of_max_timestamp if self.max_timestamp >= 0 else self.base_offset

    def set_max_timestamp(self, timestamp: int, offset: int) -> None:
        """For recovery, which reads every batch."""
        self._max_timestamp, self._offset_of_max_timestamp = timestamp, offset

    def largest_timestamp_ms(self) -> int:
        """The largest timestamp, or, where no record has one, when the file was last written."""
        return self.max_timestamp if self.max_timestamp >= 0 else os.stat(self.path).st_mtime_ns // 1_000_000

    def locate(self, offset: int) -> tuple[int, int] | None:
        """(position, size in bytes) of the batch that holds `offset` or else of the first after it;

        None past the end.
        """
        recent = self._recent.get(offset)
        if recent is not None:
            return recent
        following = self._following
        remembered = following.pop(offset, None)
        position = self.offset_index.lookup(offset) if remembered is None else remembered
        file = self.file
        mapping = file.mapping
        mapped = 0 if mapping is None else min(len(mapping), file.size_bytes)
        while True:
            if mapping is None or mapped - position < _LOCATE_BYTES:
                if file.size_bytes - position < _LOCATE_BYTES:
                    return None
                mapped = file.size_bytes
                mapping = file.map(mapped)
            last_offset, length = BATCH_PREFIX.unpack_from(mapping, position)
            if mapping[position + MAGIC_OFFSET] == 2 and mapped - position > _LOCATE_BYTES:
                last_offset += _LAST_OFFSET_DELTA.unpack_from(mapping, position + _LAST_OFFSET_DELTA_OFFSET)[
                    0
                ]
            if last_offset >= offset:
                size_bytes = length + PREFIX_SIZE_BYTES
                if len(following) >= _FOLLOWED_READERS:
                    following.clear()
                following[last_offset + 1] = position + size_bytes
                return position, size_bytes
            if length <= 0:
                return None
            position += length + PREFIX_SIZE_BYTES

    def read(self, offset: int, max_bytes: int, max_position: int, min_one_batch: bool) -> LogSlice | None:
        """From the batch that holds `offset`, up to `max_bytes` and not past `max_position`;

        None past the end.
        """
        found = self.locate(offset)
        if found is None:
            return None
        position, batch_size_bytes = found
        if min_one_batch and batch_size_bytes > max_bytes:
            max_bytes = batch_size_bytes
        available = min(max_position, self.file.size_bytes) - position
        return LogSlice(self, position, max(0, min(max_bytes, available)), batch_size_bytes)

    def next_offset(self) -> int:
        """One past the last offset: reads from the last index entry on."""
        next_offset = self.base_offset
        try:
            last_entry = self.offset_index.lookup(self.base_offset + MAX_RELATIVE_OFFSET)
            for _, header in self.file.batches(last_entry):
                next_offset = header.next_offset
        except KafkaError:
            return next_offset
        return next_offset

    def find_timestamp(self, timestamp: int, start_offset: int) -> TimestampedOffset | None:
        """The first record at or past `start_offset` whose timestamp is at least `timestamp`.

        Kafka writes the real max timestamp into every header as it appends; here a producer's is believed,
        and one that claims a time which none of its records has would have the whole segment read. After so
        many such batches the next one's claim is the answer.
        """
        index_offset = self.time_index.lookup(timestamp)[1]
        position = self.offset_index.lookup(max(index_offset, start_offset))
        disproved = 0
        for batch_position, header in self.file.batches(position):
            if header.max_timestamp < timestamp or header.last_offset < start_offset:
                continue
            if disproved == _MAX_DISPROVED_BATCHES:
                return TimestampedOffset(
                    header.max_timestamp, header.base_offset, header.partition_leader_epoch
                )
            batch = self.file.batch(batch_position, header)
            try:
                for record in read_records(batch, header):
                    if record.timestamp >= timestamp and record.offset >= start_offset:
                        epoch = header.partition_leader_epoch
                        return TimestampedOffset(record.timestamp, record.offset, epoch)
            except TakesLong:
                raise LongSearch(batch, header, timestamp, start_offset) from None
            disproved += 1
        return None

    def find_max_timestamp(self) -> TimestampedOffset | None:
        """The first record with the largest timestamp of the segment.

        As in Kafka one batch is read: None if none of its records has the time that its header claims.
        """
        timestamp = self.max_timestamp
        position = self.offset_index.lookup(self.offset_of_max_timestamp)
        for batch_position, header in self.file.batches(position):
            if header.max_timestamp == timestamp:
                batch = self.file.batch(batch_position, header)
                try:
                    for record in read_records(batch, header):
                        if record.timestamp == timestamp:
                            return TimestampedOffset(timestamp, record.offset, header.partition_leader_epoch)
                except TakesLong:
                    raise LongSearch(batch, header, timestamp, is_exact=True) from None
                return None
        return None

    # Truncating

    def truncate_to(self, offset: int, now_ms: int) -> int:
        """Drops the batch that holds `offset` and all after it; bytes dropped. Raises OSError."""
        found = self.locate(offset)
        self.offset_index.truncate_to(offset)
        self.time_index.truncate_to(offset)
        self.transaction_index.truncate_to(offset)
        dropped = 0
        if found is not None:
            dropped = self.size_bytes - found[0]
            self.truncate_file(found[0])
        if not self.size_bytes:
            self.created_ms = now_ms
            self.rolling_timestamp = None
        self._bytes_since_index_entry = 0
        if self._max_timestamp is not None and self._max_timestamp >= 0:
            self.set_max_timestamp(*self._find_max_timestamp())
        return dropped

    def truncate_file(self, size_bytes: int) -> None:
        """Cuts the .log file, the indexes aside. Raises OSError."""
        self._recent.clear()
        self._following.clear()
        self.file.truncate_to(size_bytes)

    def _find_max_timestamp(self) -> tuple[int, int]:
        timestamp, offset = self.time_index.last_entry()
        for _, header in self.file.batches(self.offset_index.lookup(offset)):
            if header.max_timestamp > timestamp:
                timestamp, offset = header.max_timestamp, header.last_offset
        return timestamp, offset


def _max_timestamp(headers: list[BatchHeader]) -> int:
    return max(header.max_timestamp for header in headers)
