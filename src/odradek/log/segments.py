"""Segments: the segments of one log in order, and what is found by looking through them.

Kafka: LogSegments, LocalLog.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator

from odradek.log.segment import Segment
from odradek.log.slice import LogSlice
from odradek.log.timestamp_search import TimestampedOffset
from odradek.log.transaction_index import AbortedTransaction

LATEST_TIMESTAMP = -1
EARLIEST_TIMESTAMP = -2


class Segments:
    """Segments by base offset, ascending; the last is the active one. Owned by the log."""

    __slots__ = ("_items", "active", "base_offsets")

    def __init__(self, items: list[Segment]) -> None:
        self._items = items
        self.base_offsets = [segment.base_offset for segment in items]
        self.active = items[-1]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._items)

    def __getitem__(self, number: int) -> Segment:
        return self._items[number]

    @property
    def size_bytes(self) -> int:
        return sum(segment.file.size_bytes for segment in self._items)

    def number_of(self, offset: int) -> int:
        """Number of the segment that `offset` belongs to; 0 for what is before the first."""
        return max(0, bisect_right(self.base_offsets, offset) - 1)

    def since(self, offset: int) -> list[Segment]:
        """The segment that `offset` belongs to and those after it."""
        return self._items[self.number_of(offset) :]

    def end_offset(self, segment: Segment, log_end_offset: int) -> int:
        """Where the segment after `segment` begins, or the log's end."""
        following = bisect_right(self.base_offsets, segment.base_offset)
        return self.base_offsets[following] if following < len(self._items) else log_end_offset

    def add(self, segment: Segment) -> None:
        self._items.append(segment)
        self.base_offsets.append(segment.base_offset)
        self.active = segment

    def remove_since(self, number: int) -> list[Segment]:
        """Takes out segment `number` and those after it; if none stays, `add` one at once."""
        removed = self._items[number:]
        del self._items[number:]
        del self.base_offsets[number:]
        if self._items:
            self.active = self._items[-1]
        return removed

    def remove_before(self, number: int) -> list[Segment]:
        """Takes out those before segment `number`, which must exist."""
        removed = self._items[:number]
        del self._items[:number]
        del self.base_offsets[:number]
        return removed

    def read(
        self, start_offset: int, end_offset: int, log_end_offset: int, max_bytes: int, *, min_one_batch: bool
    ) -> LogSlice | None:
        """As `Log.read`, for offsets known to be in range; None where nothing is left of them."""
        active = self.active
        for segment in (active,) if start_offset >= active.base_offset else self.since(start_offset):
            if end_offset >= log_end_offset or (
                segment is not active and self.end_offset(segment, log_end_offset) <= end_offset
            ):
                end_position = segment.file.size_bytes
            else:
                found = segment.locate(end_offset)
                end_position = segment.file.size_bytes if found is None else found[0]
            slice_ = segment.read(start_offset, max_bytes, end_position, min_one_batch)
            if slice_ is not None:
                return slice_
        return None

    def find_timestamp(self, timestamp: int, start_offset: int) -> TimestampedOffset | None:
        """The first record at or past `start_offset` whose timestamp is at least `timestamp`."""
        for segment in self.since(start_offset):
            if segment.largest_timestamp_ms() >= timestamp:
                return segment.find_timestamp(timestamp, start_offset)
        return None

    def find_max_timestamp(self) -> TimestampedOffset | None:
        """The first record with the largest timestamp."""
        return max(self._items, key=lambda segment: segment.max_timestamp).find_max_timestamp()

    def start_offsets_before(self, timestamp: int, log_start_offset: int, end: tuple[int, int]) -> list[int]:
        """Offsets at which segments last written by `timestamp` start, newest first; -1 latest, -2 earliest.

        `end` is the log end offset and the time now. Version 0 of ListOffsets asks; Kafka:
        legacyFetchOffsetsBefore.
        """
        times = [
            (max(segment.base_offset, log_start_offset), os.stat(segment.path).st_mtime_ns // 1_000_000)
            for segment in self._items
        ]
        if self.active.size_bytes:
            times.append(end)
        if timestamp == LATEST_TIMESTAMP:
            last = len(times) - 1
        elif timestamp == EARLIEST_TIMESTAMP:
            last = 0
        else:
            last = max((number for number, (_, at_ms) in enumerate(times) if at_ms <= timestamp), default=-1)
        return [offset for offset, _ in reversed(times[: last + 1])]

    def aborted_transactions(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Those that overlap [start_offset, end_offset)."""
        aborted: list[AbortedTransaction] = []
        for segment in self.since(start_offset):
            found, is_all = segment.transaction_index.collect(start_offset, end_offset)
            aborted += found
            if is_all:
                break
        return aborted

    def upper_bound_offset(self, slice_: LogSlice, log_end_offset: int) -> int:
        """An offset at or past the end of a slice, found without reading it."""
        segment = slice_.segment
        if segment is None:
            return log_end_offset
        bound = segment.offset_index.upper_bound(slice_.position + slice_.size_bytes)
        return self.end_offset(segment, log_end_offset) if bound is None else bound
