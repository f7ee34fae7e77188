"""CRC-32C (Castagnoli), the checksum of magic-2 batches, at memory speed where the platform allows it.

The `crc32c` package uses the CPU's instruction and takes any contiguous buffer; crcmod's C loop stands in
where it is missing. Messages of magic 0 and 1 carry CRC-32, which is `zlib.crc32`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache

from odradek.records.batch import ATTRIBUTES_OFFSET, LEGACY_CRC_OFFSET, Buffer


def crc32c(buffer: Buffer) -> int:
    """CRC-32C of a whole buffer, as an unsigned 32-bit integer."""
    return _crc32c()(buffer)


@cache
def _crc32c() -> Callable[[Buffer], int]:
    # Imported with the first batch: the package loads argparse and importlib.metadata, a sixth of a start.
    try:
        from crc32c import crc32c as fast
    except ImportError:
        import crcmod.predefined

        slow: Callable[[Buffer], int] = crcmod.predefined.mkPredefinedCrcFun("crc-32c")
        return slow
    checksum: Callable[[Buffer], int] = fast
    return checksum


def compute_crc(batch: Buffer, magic: int) -> int:
    """The checksum that a whole batch of that magic should carry; `batch` is exactly the batch."""
    if magic >= 2:
        return crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:])
    return zlib.crc32(memoryview(batch)[LEGACY_CRC_OFFSET + 4 :])
