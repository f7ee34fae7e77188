"""The offset index of a segment: where in the file to start looking for an offset.

An entry every `index.interval.bytes`, 8 bytes each, ascending:

    0  relative_offset  uint32   last offset of a batch, minus the segment's base offset
    4  position         uint32   of that batch's first byte in the .log file

While a segment is active its entries are kept in memory and each new one is written at once; Kafka instead
maps a file of `segment.index.bytes` and cuts the zero tail off on rolling. A file that always ends with its
last entry is what Kafka finds after its own clean stop, and after an unclean one either side rebuilds it. An
inactive segment's index is mapped when it is first asked, and its file is not kept open.

Kafka: OffsetIndex, AbstractIndex.
"""

from __future__ import annotations

import os
from struct import Struct

from odradek.log.index_file import IndexFile

_ENTRY = Struct(">II")
ENTRY_SIZE_BYTES = _ENTRY.size

MAX_RELATIVE_OFFSET = 2**31 - 1
"""Kafka stores a Java int: a segment spans at most this many offsets above its base."""


class OffsetIndex(IndexFile):
    """Offsets to file positions of one segment; owned by the segment."""

    __slots__ = ("last_offset",)

    def __init__(self, path: str | os.PathLike[str], base_offset: int, max_size_bytes: int) -> None:
        super().__init__(path, base_offset, max_size_bytes, ENTRY_SIZE_BYTES)
        self.last_offset = base_offset
        """Of the last entry; the base offset while there is none. Right once the index was loaded."""

    def _loaded(self) -> None:
        count = self.count
        self.last_offset = self.base_offset + self.entry(count - 1)[0] if count else self.base_offset

    @property
    def is_full(self) -> bool:
        return self.count >= self.max_entries

    def entry(self, number: int) -> tuple[int, int]:
        """(relative offset, position) of entry `number`, counted from 0."""
        relative_offset, position = _ENTRY.unpack_from(self.load(), number * ENTRY_SIZE_BYTES)
        return relative_offset, position

    def lookup(self, offset: int) -> int:
        """A position at or before the batch that holds `offset`: of the last entry not above it, else 0."""
        number = self.floor(offset - self.base_offset, 0)
        return 0 if number < 0 else self.entry(number)[1]

    def upper_bound(self, position: int) -> int | None:
        """An offset at or past the batch at file `position`: of the first entry beyond; None past the last.

        Kafka: OffsetIndex.fetchUpperBoundOffset, which bounds a search for aborted transactions.
        """
        number = self.floor(position, 4)
        if number >= 0 and self.entry(number)[1] == position:
            return self.base_offset + self.entry(number)[0]
        if number + 1 >= self.count:
            return None
        return self.base_offset + self.entry(number + 1)[0]

    def append(self, offset: int, position: int) -> None:
        """Adds an entry; `offset` must be above the last one's. Raises OSError when the disk refuses it."""
        if self.count and offset <= self.last_offset:
            raise ValueError(f"offset {offset} is not above the last of {self.path}, {self.last_offset}")
        self.write_entry(_ENTRY.pack(offset - self.base_offset, position))
        self.last_offset = offset

    def truncate_to(self, offset: int) -> None:
        """Drops the entries for offsets at or above `offset`."""
        self.keep_entries(self.floor(offset - 1 - self.base_offset, 0) + 1)

    def problem(self, log_size_bytes: int) -> str | None:
        """Whether it cannot be the index of a file of that size; None is good. Reads it; raises OSError."""
        self.load()
        if self.count and (
            self.last_offset <= self.base_offset or self.entry(self.count - 1)[1] >= log_size_bytes
        ):
            return f"Index file {self.path} ends with an impossible entry"
        return None
