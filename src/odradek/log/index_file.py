"""A file of fixed-size, ascending index entries: what the offset index and the time index share.

The entries of an active segment live in a bytearray that is appended in step with the file; those of an
inactive one in a read-only map of it. Which of the two is the segment's business: `freeze` turns one into the
other. The file never holds more than the entries.

Kafka: AbstractIndex.
"""

from __future__ import annotations

import mmap
import os
from errno import ENOSPC
from struct import Struct

from odradek.log.durable_files import create_empty, flush_file

_UINT32 = Struct(">I")
_INT64 = Struct(">q")


class IndexFile:
    """Entries of one index and their file, opened when first needed; owned by one segment."""

    __slots__ = (
        "_entries",
        "_entry_size_bytes",
        "_fd",
        "_frozen",
        "base_offset",
        "count",
        "max_entries",
        "path",
    )

    def __init__(
        self, path: str | os.PathLike[str], base_offset: int, max_size_bytes: int, entry_size_bytes: int
    ) -> None:
        self.path = os.fspath(path)
        self.base_offset = base_offset
        self.max_entries = max_size_bytes // entry_size_bytes
        self.count = 0
        """Entries; right once the index was loaded."""
        self._entry_size_bytes = entry_size_bytes
        self._entries: bytearray | mmap.mmap | None = None
        self._frozen = False
        self._fd = -1

    def create(self) -> None:
        """Makes an empty file, replacing what was there."""
        self.close()
        create_empty(self.path)
        self._entries = bytearray()
        self._frozen = False
        self.count = 0
        self._loaded()

    def load(self) -> bytearray | mmap.mmap:
        """The entries' bytes; read or mapped on first use. A part of an entry at the end is left out."""
        entries = self._entries
        if entries is None:
            entries = self._read()
            self._entries = entries
            self.count = len(entries) // self._entry_size_bytes
            self._loaded()
        return entries

    def _loaded(self) -> None:
        """Hook: the entries were just read; take over what is cached of them."""

    def _read(self) -> bytearray | mmap.mmap:
        with open(self.path, "rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            size_bytes -= size_bytes % self._entry_size_bytes
            if self._frozen and size_bytes:
                return mmap.mmap(file.fileno(), size_bytes, access=mmap.ACCESS_READ)
            return bytearray(file.read(size_bytes))

    def size_problem(self) -> str | None:
        """Whether the file cannot be whole entries; None is good. Raises OSError."""
        size_bytes = os.stat(self.path).st_size
        if size_bytes % self._entry_size_bytes:
            return f"Index file {self.path} is corrupt, found {size_bytes} bytes"
        return None

    def floor(self, key: int, key_position: int, *, wide: bool = False) -> int:
        """The number of the last entry whose key is not above `key`, or -1.

        The key is the field at byte `key_position` of an entry: 8 bytes signed if `wide`, else 4 unsigned.
        """
        entries = self.load()
        unpack_from = _INT64.unpack_from if wide else _UINT32.unpack_from
        size_bytes = self._entry_size_bytes
        low, high = 0, self.count
        while low < high:
            middle = (low + high) >> 1
            if unpack_from(entries, middle * size_bytes + key_position)[0] > key:
                high = middle
            else:
                low = middle + 1
        return low - 1

    def write_entry(self, entry: bytes) -> None:
        """Appends to the file, then to memory: a failed write leaves the index as it was."""
        entries = self.thaw()
        descriptor, position = self._open(), len(entries)
        try:
            if os.pwrite(descriptor, entry, position) < len(entry):
                raise OSError(ENOSPC, os.strerror(ENOSPC), self.path)
        except OSError:
            os.ftruncate(descriptor, position)
            raise
        entries += entry
        self.count += 1

    def keep_entries(self, count: int) -> None:
        """Drops all entries but the first `count`."""
        entries = self.thaw()
        if count < self.count:
            size_bytes = count * self._entry_size_bytes
            os.ftruncate(self._open(), size_bytes)
            del entries[size_bytes:]
            self.count = count
            self._loaded()

    def reset(self) -> None:
        """Drops every entry, and whatever the file held: it may have been anything before a recovery."""
        self.create()

    def freeze(self) -> None:
        """The segment is not active any more: no entry will come, so map the file and close it."""
        self._close_file()
        self._entries = None
        self._frozen = True

    def rest(self) -> None:
        """Closes what the next use opens again; entries in memory stay."""
        self._close_file()
        if self._frozen:
            self._entries = None

    def thaw(self) -> bytearray:
        """The entries in memory, to be appended to. Raises OSError."""
        entries = self.load()
        if isinstance(entries, bytearray):
            return entries
        self._frozen = False
        self._entries = thawed = bytearray(entries)
        return thawed

    def _open(self) -> int:
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return self._fd

    def flush(self) -> None:
        """fsync; may run in a thread while the owner appends."""
        flush_file(self.path)

    def _close_file(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        """Forgets the entries and closes the file; the next use reads it again."""
        self._close_file()
        self._entries = None
