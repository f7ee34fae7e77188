"""ReadResult: the answer of a partition that is read."""

from __future__ import annotations

from typing import NamedTuple

from odradek.log.slice import LogSlice


class ReadResult(NamedTuple):
    """What a read saw, all of one moment; offsets as in a Fetch response. `records` is to be released."""

    records: LogSlice
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
