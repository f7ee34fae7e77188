"""What a coordinator needs of the partition that it writes to, and that partition as a journal.

Owns no state. A record counts once it is below the high watermark.
"""

from __future__ import annotations

from typing import Protocol

from odradek.records.compression import Compression
from odradek.value_object import value_object


@value_object
class JournalSettings:
    """How records are written: `offsets.topic.compression.codec` and `offsets.commit.timeout.ms`, or the
    transaction coordinator's counterparts."""

    compression: Compression = Compression.NONE
    commit_timeout_ms: int = 5_000


@value_object
class Appended:
    """Where a batch went; `next_offset` is exclusive."""

    first_offset: int
    next_offset: int


class Journal(Protocol):
    """One partition of an internal topic, led by this broker."""

    @property
    def high_watermark(self) -> int:
        """Everything below it is committed."""

    @property
    def log_start_offset(self) -> int:
        """The first offset that can be read."""

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record will have."""

    def append(self, batch: bytearray, *, best_effort: bool = False) -> Appended:
        """Write one batch; a best effort (acks=0, otherwise all) needs no min.insync.replicas.

        Raises KafkaError and leaves nothing behind when it cannot.
        """

    async def wait_replicated(self, offset: int) -> None:
        """Return once the high watermark is at or beyond `offset`. Raises KafkaError if leadership ends."""

    def read(self, offset: int, max_bytes: int) -> bytes | bytearray | memoryview:
        """Whole batches from the one that holds `offset` on; at least one if there is one."""
