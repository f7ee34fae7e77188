"""Looking for a time in the log: what is found, and what takes long to be found."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from odradek.log.leisure import at_leisure, decompress_zstd
from odradek.records.batch import BatchHeader
from odradek.records.compression import TakesLong
from odradek.records.record_stream import skim_batch
from odradek.records.window import Breath


class TimestampedOffset(NamedTuple):
    """A timestamp in ms, the offset of a record that has it, and that record's leader epoch (-1 unknown)."""

    timestamp: int
    offset: int
    leader_epoch: int = -1


class LongSearch(TakesLong):
    """Raised where a time is looked for in a batch that takes long to read; `find` goes on from there.

    With `is_exact` the time must be met, else a later one does, too. The batch is a copy: the log may change
    meanwhile.
    """

    def __init__(
        self,
        batch: bytes,
        header: BatchHeader,
        timestamp: int,
        start_offset: int = 0,
        *,
        is_exact: bool = False,
    ) -> None:
        super().__init__(f"{timestamp} is looked for in {header}")
        self.next_offset = header.next_offset
        self.is_exact = is_exact
        self._batch = batch
        self._header = header
        self._timestamp = timestamp
        self._start_offset = start_offset

    async def find(self) -> TimestampedOffset | None:
        """The first record from `start_offset` on that has the time. Raises KafkaError as `read_records`."""
        return await at_leisure(self._find())

    def _find(self) -> Generator[Breath, None, TimestampedOffset | None]:
        for record in skim_batch(self._batch, self._header, zstd=decompress_zstd):
            if record is None:
                yield None
            elif (
                record.timestamp == self._timestamp
                if self.is_exact
                else record.timestamp >= self._timestamp and record.offset >= self._start_offset
            ):
                epoch = self._header.partition_leader_epoch
                return TimestampedOffset(record.timestamp, record.offset, epoch)
        return None
