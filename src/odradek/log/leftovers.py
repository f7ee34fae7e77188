"""Leftovers: files that show what a broker was doing to a log's segments when it went.

Kafka: LogLoader.removeTempFilesAndCollectSwapFiles, completeSwapOperations.
"""

from __future__ import annotations

import os

from odradek.errors import KafkaError
from odradek.log.file_names import (
    CLEANED_SUFFIX,
    DELETED_SUFFIX,
    LOG_SUFFIX,
    SWAP_SUFFIX,
    offset_of_file,
)
from odradek.log.file_records import FileRecords


def remove_leftovers(path: str) -> None:
    """Finishes or undoes what was under way when the broker went. Raises OSError.

    `.deleted` and `.cleaned` files go. `.swap` files (compacted, or split) replace the segments whose offsets
    they cover, unless a `.cleaned` one at or before them shows that their making was not finished.
    """
    names = os.listdir(path)
    cleaned = [name for name in names if name.endswith(CLEANED_SUFFIX)]
    first_cleaned = min(
        (offset for name in cleaned if (offset := offset_of_file(name)) is not None), default=None
    )
    swaps = []
    for name in names:
        if name.endswith((DELETED_SUFFIX, CLEANED_SUFFIX)):
            os.unlink(os.path.join(path, name))
        elif name.endswith(SWAP_SUFFIX):
            offset = offset_of_file(name)
            if offset is not None and first_cleaned is not None and offset >= first_cleaned:
                os.unlink(os.path.join(path, name))
            else:
                swaps.append(name)
    if swaps:
        _finish_swap(path, swaps)


def _finish_swap(path: str, swaps: list[str]) -> None:
    start, end = None, -1
    for name in swaps:
        if name.endswith(LOG_SUFFIX + SWAP_SUFFIX) and (offset := offset_of_file(name)) is not None:
            start = offset if start is None else min(start, offset)
            end = max(end, _next_offset_of_file(os.path.join(path, name), offset))
    for name in os.listdir(path):
        offset = offset_of_file(name)
        if (
            start is not None
            and offset is not None
            and not name.endswith(SWAP_SUFFIX)
            and start <= offset < end
        ):
            os.unlink(os.path.join(path, name))
    for name in swaps:
        os.rename(os.path.join(path, name), os.path.join(path, name.removesuffix(SWAP_SUFFIX)))


def _next_offset_of_file(log_file: str, base_offset: int) -> int:
    file = FileRecords(log_file, os.stat(log_file).st_size)
    next_offset = base_offset
    try:
        for _, header in file.batches():
            next_offset = header.next_offset
    except KafkaError:
        return next_offset
    finally:
        file.close()
    return next_offset
