"""The transaction index of a segment: which transactions were aborted by markers in this segment.

Written when an abort marker is appended, so most segments have no such file. 34 bytes an entry:

     0  version             int16   0
     2  producer_id         int64
    10  first_offset        int64   of the transaction; may lie in an earlier segment
    18  last_offset         int64   of its marker
    26  last_stable_offset  int64   right after the marker was appended

Kafka: TransactionIndex, AbortedTxn (KIP-98).
"""

from __future__ import annotations

import os
from struct import Struct
from typing import NamedTuple

from odradek.log.durable_files import flush_file

_ENTRY = Struct(">hqqqq")
ENTRY_SIZE_BYTES = _ENTRY.size

CURRENT_VERSION = 0


class AbortedTransaction(NamedTuple):
    """An aborted transaction; `last_offset` is its marker's, both offsets inclusive."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class CorruptTransactionIndex(Exception):
    """The file holds what no broker would have written; the segment is to be recovered."""


class TransactionIndex:
    """Aborted transactions of one segment, in the order of their markers; owned by the segment."""

    __slots__ = ("_entries", "base_offset", "path")

    def __init__(self, path: str | os.PathLike[str], base_offset: int) -> None:
        self.path = os.fspath(path)
        self.base_offset = base_offset
        self._entries: list[AbortedTransaction] | None = None

    def entries(self) -> list[AbortedTransaction]:
        """All of them; read from the file on first use. Raises CorruptTransactionIndex."""
        if self._entries is None:
            self._entries = self._read()
        return self._entries

    def _read(self) -> list[AbortedTransaction]:
        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return []
        entries = []
        for position in range(0, len(data) - ENTRY_SIZE_BYTES + 1, ENTRY_SIZE_BYTES):
            version, *fields = _ENTRY.unpack_from(data, position)
            entry = AbortedTransaction(*fields)
            if version > CURRENT_VERSION:
                raise CorruptTransactionIndex(
                    f"Unexpected aborted transaction version {version} in {self.path}"
                )
            if entry.last_offset < self.base_offset:
                raise CorruptTransactionIndex(
                    f"Last offset of {entry} in {self.path} is below its base offset"
                )
            entries.append(entry)
        return entries

    def append(self, entry: AbortedTransaction) -> None:
        """Adds an aborted transaction, whose marker must be past the last one's. Raises OSError."""
        entries = self.entries()
        if entries and entries[-1].last_offset >= entry.last_offset:
            raise ValueError(f"{entry} is not past the last of {self.path}, {entries[-1]}")
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.pwrite(descriptor, _ENTRY.pack(CURRENT_VERSION, *entry), len(entries) * ENTRY_SIZE_BYTES)
        finally:
            os.close(descriptor)
        entries.append(entry)

    def collect(self, fetch_offset: int, upper_bound_offset: int) -> tuple[list[AbortedTransaction], bool]:
        """The aborted transactions that overlap [fetch_offset, upper_bound_offset), and whether that is all.

        False: a marker in a later segment may have aborted another one.
        """
        aborted = []
        for entry in self.entries():
            if entry.last_offset >= fetch_offset and entry.first_offset < upper_bound_offset:
                aborted.append(entry)
            if entry.last_stable_offset >= upper_bound_offset:
                return aborted, True
        return aborted, False

    def truncate_to(self, offset: int) -> None:
        """Drops the entries whose markers are at or past `offset`."""
        entries = self.entries()
        kept = [entry for entry in entries if entry.last_offset < offset]
        if len(kept) < len(entries):
            os.truncate(self.path, len(kept) * ENTRY_SIZE_BYTES)
            self._entries = kept

    def reset(self) -> None:
        """Drops everything, without looking at it."""
        self._entries = []
        if os.path.exists(self.path):
            os.truncate(self.path, 0)

    def flush(self) -> None:
        """fsync; may run in a thread."""
        flush_file(self.path)
