"""What an append says afterwards."""

from __future__ import annotations

from typing import NamedTuple

from odradek.errors import OdradekError


class LogAppendInfo(NamedTuple):
    """Where batches went. A tuple because one is made for every append; offsets are inclusive.

    Of a duplicate (a retried batch that was written before) the offsets are those of the first time.
    """

    first_offset: int
    last_offset: int
    log_append_time_ms: int
    """-1 unless the broker stamps this topic's records, or for a duplicate: its timestamp."""
    log_start_offset: int
    batch_count: int
    size_bytes: int
    is_duplicate: bool = False

    @property
    def next_offset(self) -> int:
        """One past the last: what must be replicated before the append is."""
        return self.last_offset + 1


class UnexpectedAppendOffset(OdradekError):
    """A follower was given batches that do not follow its log."""

    def __init__(self, message: str, first_offset: int, last_offset: int) -> None:
        super().__init__(message)
        self.first_offset = first_offset
        self.last_offset = last_offset
