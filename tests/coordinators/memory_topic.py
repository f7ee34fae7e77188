"""An internal topic in memory whose replication tests hold and let go."""

from __future__ import annotations

import trio

from odradek.coordinators.journal import Appended
from odradek.errors import KafkaError
from odradek.records.batch import assign_offsets, iter_headers


class MemoryJournal:
    """One partition. While `replicating` is False, appended batches stay above the high watermark."""

    def __init__(self) -> None:
        self.batches: list[bytes] = []
        self.log_start_offset = 0
        self.log_end_offset = 0
        self.high_watermark = 0
        self.replicating = True
        self.refusal: KafkaError | None = None
        self.too_few: KafkaError | None = None  # replicas for records that need min.insync.replicas
        self.complaint: KafkaError | None = None  # of records that are replicated, but not enough
        self._changed = trio.Event()

    def append(self, batch: bytearray, *, best_effort: bool = False) -> Appended:
        if self.refusal is not None:
            raise self.refusal
        if self.too_few is not None and not best_effort:
            raise self.too_few
        [(_, header)] = iter_headers(batch)
        first = self.log_end_offset
        assign_offsets(batch, header, first, 0)
        self.batches.append(bytes(batch))
        self.log_end_offset += header.record_count
        if self.replicating:
            self.replicate()
        return Appended(first, self.log_end_offset)

    def replicate(self) -> None:
        """Everything appended so far is committed."""
        self.high_watermark = self.log_end_offset
        self._changed.set()
        self._changed = trio.Event()

    def resign(self) -> None:
        """Leadership ends; whoever waits for replication is told so."""
        self._changed.set()

    async def wait_replicated(self, offset: int) -> None:
        while self.high_watermark < offset:
            if self.refusal is not None:
                raise self.refusal
            await self._changed.wait()
        if self.complaint is not None:
            raise self.complaint

    def read(self, offset: int, max_bytes: int) -> bytes:
        data = b""
        for batch in self.batches:
            [(_, header)] = iter_headers(batch)
            if header.next_offset > offset and (not data or len(data) + len(batch) <= max_bytes):
                data += batch
        return data


class MemoryTopic:
    """All partitions of an internal topic, every one led here."""

    def __init__(self, name: str, partitions: int = 1) -> None:
        self.name = name
        self.journals = [MemoryJournal() for _ in range(partitions)]

    def partition_count(self) -> int:
        return len(self.journals)

    def journal(self, partition: int) -> MemoryJournal:
        return self.journals[partition]
