"""CRC-32C (Castagnoli), the checksum of magic-2 batches, at memory speed where the platform allows it.

The `crc32c` package uses the CPU's instruction and takes any contiguous buffer; crcmod's C loop stands in
where it is missing. Messages of magic 0 and 1 carry CRC-32, which is `zlib.crc32`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec

from odradek.records.batch import ATTRIBUTES_OFFSET, LEGACY_CRC_OFFSET, Buffer


def crc32c(buffer: Buffer) -> int:
    """CRC-32C of a whole buffer, as an unsigned 32-bit integer."""
    return _crc32c()(buffer)


@cache
def _crc32c() -> Callable[[Buffer], int]:
    # Its extension alone, and that with the first batch: the package around it loads argparse and
    # importlib.metadata, a sixth of a start.
    package = find_spec("crc32c")
    extension = package and PathFinder.find_spec("crc32c._crc32c", package.submodule_search_locations)
    if extension is None or extension.loader is None:
        import crcmod.predefined

        slow: Callable[[Buffer], int] = crcmod.predefined.mkPredefinedCrcFun("crc-32c")
        return slow
    module = module_from_spec(extension)
    extension.loader.exec_module(module)
    fast: Callable[[Buffer], int] = module.crc32c
    return fast


def compute_crc(batch: Buffer, magic: int) -> int:
    """The checksum that a whole batch of that magic should carry; `batch` is exactly the batch."""
    if magic >= 2:
        return crc32c(memoryview(batch)[ATTRIBUTES_OFFSET:])
    return zlib.crc32(memoryview(batch)[LEGACY_CRC_OFFSET + 4 :])
