"""FileRecords: the .log file of a segment, and who is looking at it.

Appended with pwrite, read through a read-only map of the file or sent from the file itself. The map is made
anew when the file has grown past it; a view of the old one stays good. Touching a mapped page past the end of
a file is SIGBUS, so the file is not cut short while a view of it lives (`LogSlice` counts them).

What the batches mean, their offsets and times, is the segment's business. Kafka: FileRecords.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from struct import Struct

from odradek.records.batch import HEADER_SIZE_BYTES, PREFIX_SIZE_BYTES, BatchHeader, Buffer, read_header

BATCH_PREFIX = Struct(">qi")
"""Base offset and batch length: `PREFIX_SIZE_BYTES` in front of what the length counts."""

_SMALL_READ_BYTES = 32 * 1024

_NOTHING = bytes(HEADER_SIZE_BYTES)


class FileRecords:
    """Whole batches, one after the other; owned by its segment, which says how long it is."""

    __slots__ = ("_fd", "_is_closed", "_stale_end", "leases", "mapping", "path", "size_bytes", "views")

    def __init__(self, path: str, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.leases = 0
        """Slices that keep the file open."""
        self.views = 0
        """Of those, how many are being looked at and keep it from being cut."""
        self.mapping: mmap.mmap | None = None
        """Looked at directly where reads are measured; it may end before the file does."""
        self._fd = -1
        self._stale_end = 0
        """End of what a truncation had to leave in the file because it was being looked at; 0 for nothing."""
        self._is_closed = False

    def fileno(self) -> int:
        """Opens the file if need be. Raises OSError."""
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        return self._fd

    def view(self, position: int, end: int) -> memoryview:
        """[position, end) of the file; hold a lease and count it in `views` while looking at it.

        A little that was appended after the file was mapped is read instead: to map anew costs 20 µs.
        Raises EOFError if the file was cut meanwhile, which a lease alone does not prevent.
        """
        if end > self.size_bytes:
            raise EOFError(f"the log was cut {end - self.size_bytes} bytes before the end of what is read")
        mapping = self.mapping
        if end - position <= _SMALL_READ_BYTES and (mapping is None or len(mapping) < end):
            return memoryview(os.pread(self.fileno(), end - position, position))
        return memoryview(self.map(end))[position:end]

    def map(self, end: int) -> mmap.mmap:
        """A map of the file that goes to `end` at least."""
        mapping = self.mapping
        if mapping is None or len(mapping) < end:
            mapping = mmap.mmap(self.fileno(), self.size_bytes, access=mmap.ACCESS_READ)
            self.mapping = mapping
        return mapping

    def batches(self, position: int = 0, end: int | None = None) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of each whole batch in [position, end). Raises KafkaError(CORRUPT_MESSAGE)."""
        end = self.size_bytes if end is None else end
        while end - position > PREFIX_SIZE_BYTES:
            mapping = self.map(end)
            next_position = position + PREFIX_SIZE_BYTES + BATCH_PREFIX.unpack_from(mapping, position)[1]
            if next_position > end:
                return
            header = read_header(mapping[position : min(next_position, position + HEADER_SIZE_BYTES)])
            yield position, header
            position = next_position

    def batch(self, position: int, header: BatchHeader) -> bytes:
        """A copy of one batch."""
        end = position + header.size_bytes
        return self.map(end)[position:end]

    # Writing

    def write(self, records: Buffer, position: int) -> None:
        """Writes at `position`, the end; whoever writes sets `size_bytes` once it counts. Raises OSError."""
        size_bytes = len(records)
        written = os.pwrite(self._fd if self._fd >= 0 else self.fileno(), records, position)
        while written < size_bytes:
            written += os.pwrite(self._fd, memoryview(records)[written:], position + written)
        if self._stale_end > position + size_bytes:
            # What a truncation left behind must not look like a continuation after a crash.
            os.pwrite(self._fd, _NOTHING[: self._stale_end - position - size_bytes], position + size_bytes)

    def undo_write(self) -> None:
        """Cuts off what was written but is not counted. Raises OSError."""
        if not self._stale_end:
            os.ftruncate(self.fileno(), self.size_bytes)

    def truncate_to(self, size_bytes: int) -> None:
        """Cuts the file; while somebody looks at it, only from our own sight. Raises OSError."""
        self.mapping = None
        if self.views:
            self._stale_end = max(self._stale_end, self.size_bytes)
            os.pwrite(self.fileno(), _NOTHING[: self._stale_end - size_bytes], size_bytes)
        else:
            self._stale_end = 0
            os.ftruncate(self.fileno(), size_bytes)
        self.size_bytes = size_bytes

    # Letting go

    def end_lease(self, had_view: bool) -> None:
        """A slice was released; do what waited for it."""
        self.leases -= 1
        if had_view:
            self.views -= 1
            if not self.views and self._stale_end:
                self._cut_stale_end()
        if self._is_closed and not self.leases:
            self._close_descriptor()

    def _cut_stale_end(self) -> None:
        try:
            os.ftruncate(self.fileno(), self.size_bytes)
        except OSError:
            return  # Marked as the end already; the next truncation or recovery cuts it.
        self._stale_end = 0

    def before_rename(self) -> None:
        """Opens the file for those who hold a lease: by its name they will not find it again."""
        if self.leases:
            self.fileno()

    def rest(self) -> None:
        """Lets go of what only reading opened; the next use opens it again."""
        self.mapping = None
        if not self.leases:
            self._close_descriptor()

    def close(self) -> None:
        """Lets the file go, once no slice needs it any more."""
        self._is_closed = True
        self.rest()

    def _close_descriptor(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
