"""Producer snapshots: the state of all producers before an offset, in a file named after it.

One is taken whenever a segment is rolled (so that recovering the segment needs no earlier one) and when the
log is closed. Message ProducerSnapshot, version 1, with a checksum of everything after itself:

     0  version            int16   1
     2  crc                uint32  CRC-32C of everything from byte 6 on
     6  count              int32
        producer_id        int64
        producer_epoch     int16
        last_sequence      int32   of the last batch, -1 if none is remembered
        last_offset        int64   of the last batch, -1 if none
        offset_delta       int32   last minus first offset of that batch
        timestamp          int64   ms
        coordinator_epoch  int32   of the last marker, -1
        current_txn_first_offset int64  of the open transaction, -1

Only the last of a producer's five batches survives a snapshot, as in Kafka. Kafka: ProducerStateManager.
"""

from __future__ import annotations

import os
import struct
from bisect import insort
from struct import Struct

from odradek.log.file_names import DELETED_SUFFIX, SNAPSHOT_SUFFIX, offset_file_name, offset_of_file
from odradek.log.producer_entry import BatchMetadata, ProducerEntry
from odradek.log.producer_state import ProducerState
from odradek.records.crc import crc32c

VERSION = 1

_HEADER = Struct(">hIi")
_ENTRY = Struct(">qhiqiqiq")
_CRC_FROM = 6


class CorruptSnapshot(Exception):
    """The file is of an unknown version, cut off or damaged: the state is found from an older one."""


def encode_snapshot(state: ProducerState) -> bytes:
    """The file of the state as it is."""
    body = bytearray(_HEADER.pack(VERSION, 0, len(state.producers)))
    for entry in state.in_snapshot_order():
        body += _ENTRY.pack(
            entry.producer_id,
            entry.producer_epoch,
            entry.last_sequence,
            entry.last_data_offset,
            entry.last_offset_delta,
            entry.last_timestamp,
            entry.coordinator_epoch,
            -1 if entry.current_txn_first_offset is None else entry.current_txn_first_offset,
        )
    crc = crc32c(memoryview(body)[_CRC_FROM:])
    _HEADER.pack_into(body, 0, VERSION, crc, len(state.producers))
    return bytes(body)


def decode_snapshot(data: bytes) -> list[ProducerEntry]:
    """Raises CorruptSnapshot."""
    try:
        version, crc, count = _HEADER.unpack_from(data)
        if version != VERSION:
            raise CorruptSnapshot(f"Snapshot contained an unknown file version {version}")
        if crc32c(memoryview(data)[_CRC_FROM:]) != crc:
            raise CorruptSnapshot("Snapshot is corrupt (CRC is no longer valid)")
        rows = [_ENTRY.unpack_from(data, _HEADER.size + number * _ENTRY.size) for number in range(count)]
    except struct.error as error:
        raise CorruptSnapshot(f"Snapshot failed schema validation: {error}") from error
    entries = []
    for row in rows:
        producer_id, epoch, sequence, offset, delta, timestamp, coordinator_epoch, first_offset = row
        entry = ProducerEntry(
            producer_id, epoch, coordinator_epoch, timestamp, first_offset if first_offset >= 0 else None
        )
        if offset >= 0:
            entry.batches.append(BatchMetadata(sequence, offset, delta, timestamp))
        entries.append(entry)
    return entries


class ProducerSnapshots:
    """The snapshot files of one partition's directory, by offset; owned by the log."""

    __slots__ = ("directory", "last_offset", "offsets")

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.offsets: list[int] = []
        """Of the files, ascending."""
        self.last_offset = 0
        """State before this offset is on disk, or there is none to save; Kafka's lastSnapOffset."""

    def scan(self) -> None:
        """Lists the directory. Raises OSError."""
        found = (
            offset_of_file(name) for name in os.listdir(self.directory) if name.endswith(SNAPSHOT_SUFFIX)
        )
        self.offsets = sorted(offset for offset in found if offset is not None)

    def path(self, offset: int) -> str:
        return os.path.join(self.directory, offset_file_name(offset, SNAPSHOT_SUFFIX))

    @property
    def latest(self) -> int | None:
        return self.offsets[-1] if self.offsets else None

    def take(self, state: ProducerState, *, sync: bool) -> str | None:
        """Writes the state unless it is on disk already; the path if a file was written. Raises OSError."""
        offset = state.end_offset
        if offset <= self.last_offset:
            return None
        path = self.path(offset)
        with open(path, "wb") as file:
            file.write(encode_snapshot(state))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if offset not in self.offsets:
            insort(self.offsets, offset)
        self.last_offset = offset
        return path

    def load(self, state: ProducerState, log_start_offset: int, now_ms: int, expiration_ms: int) -> None:
        """Fills the state from the latest good snapshot, deleting damaged ones; without any it is empty.

        Producers that wrote nothing for `expiration_ms` stay out. Raises OSError.
        """
        while self.offsets:
            offset = self.offsets[-1]
            try:
                with open(self.path(offset), "rb") as file:
                    entries = decode_snapshot(file.read())
            except CorruptSnapshot:
                self.delete(offset)
                continue
            state.load(
                (entry for entry in entries if not state.is_expired(entry, now_ms, expiration_ms)), offset
            )
            self.last_offset = offset
            return
        state.clear(log_start_offset)
        self.last_offset = log_start_offset

    def delete(self, offset: int) -> None:
        """Raises OSError; a file that is gone already is fine."""
        self.offsets.remove(offset)
        try:
            os.unlink(self.path(offset))
        except FileNotFoundError:
            return

    def delete_all(self) -> None:
        for offset in list(self.offsets):
            self.delete(offset)

    def delete_outside(self, log_start_offset: int, log_end_offset: int) -> None:
        """Deletes those at or before the log's start and those past its end."""
        for offset in list(self.offsets):
            if offset > log_end_offset or offset <= log_start_offset:
                self.delete(offset)

    def delete_strays(self, base_offsets: list[int]) -> None:
        """Deletes those that belong to no segment, but the largest of all, which a clean stop leaves."""
        segments = set(base_offsets)
        strays = [offset for offset in self.offsets if offset not in segments]
        if strays and (not base_offsets or strays[-1] > base_offsets[-1]):
            strays.pop()
        for offset in strays:
            self.delete(offset)

    def mark_deleted(self, offset: int) -> str | None:
        """Renames the snapshot of a segment on its way out; its new path, or None where there was none."""
        if offset not in self.offsets:
            return None
        self.offsets.remove(offset)
        path = self.path(offset)
        try:
            os.rename(path, path + DELETED_SUFFIX)
        except FileNotFoundError:
            return None
        return path + DELETED_SUFFIX
