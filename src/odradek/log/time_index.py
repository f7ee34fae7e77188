"""The time index of a segment: the largest timestamp up to an offset.

Entries are written together with those of the offset index and once more when the segment is closed, but only
when the timestamp has grown; 12 bytes each, ascending in both fields:

    0  timestamp        int64    ms, the largest in the segment up to here
    8  relative_offset  uint32   last offset of the batch that has it, minus the segment's base offset

Kafka: TimeIndex. Files are kept as `offset_index` describes.
"""

from __future__ import annotations

import os
from struct import Struct

from odradek.log.index_file import IndexFile
from odradek.records.batch import NO_TIMESTAMP

_ENTRY = Struct(">qI")
ENTRY_SIZE_BYTES = _ENTRY.size


class TimeIndex(IndexFile):
    """Timestamps to offsets of one segment; owned by the segment."""

    __slots__ = ("last_offset", "last_timestamp")

    def __init__(self, path: str | os.PathLike[str], base_offset: int, max_size_bytes: int) -> None:
        super().__init__(path, base_offset, max_size_bytes, ENTRY_SIZE_BYTES)
        self.last_timestamp = NO_TIMESTAMP
        self.last_offset = base_offset
        """Of the last entry; (-1, base offset) while there is none. Right once the index was loaded."""

    def _loaded(self) -> None:
        count = self.count
        self.last_timestamp, self.last_offset = (
            self.entry(count - 1) if count else (NO_TIMESTAMP, self.base_offset)
        )

    @property
    def is_full(self) -> bool:
        """One slot is kept for the entry that closing the segment adds."""
        return self.count >= self.max_entries - 1

    def entry(self, number: int) -> tuple[int, int]:
        """(timestamp, offset) of entry `number`, counted from 0."""
        timestamp, relative_offset = _ENTRY.unpack_from(self.load(), number * ENTRY_SIZE_BYTES)
        return timestamp, self.base_offset + relative_offset

    def last_entry(self) -> tuple[int, int]:
        """(timestamp, offset) of the last entry, or (-1, base offset)."""
        self.load()
        return self.last_timestamp, self.last_offset

    def lookup(self, timestamp: int) -> tuple[int, int]:
        """The last entry whose timestamp is not above `timestamp`, or (-1, base offset)."""
        number = self.floor(timestamp, 0, wide=True)
        return (NO_TIMESTAMP, self.base_offset) if number < 0 else self.entry(number)

    def maybe_append(self, timestamp: int, offset: int) -> None:
        """Adds an entry if `timestamp` is above the last one's. Raises OSError when the disk refuses it."""
        self.load()
        if timestamp > self.last_timestamp:
            self.write_entry(_ENTRY.pack(timestamp, offset - self.base_offset))
            self.last_timestamp, self.last_offset = timestamp, offset

    def truncate_to(self, offset: int) -> None:
        """Drops the entries for offsets at or above `offset`."""
        self.keep_entries(self.floor(offset - 1 - self.base_offset, 8) + 1)

    def problem(self) -> str | None:
        """Whether its entries do not ascend as they must; None is good. Reads it; raises OSError."""
        if self.last_entry()[0] < (self.entry(0)[0] if self.count else NO_TIMESTAMP):
            return f"Time index file {self.path} ends with an earlier timestamp than it begins with"
        return None
