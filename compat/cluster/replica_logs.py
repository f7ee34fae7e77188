"""What brokers' files hold of a partition, read without any code of ours that they may have been written by.

segment             batches: base offset int64 | length int32 | that many bytes
<name>-checkpoint   version line, count line, then ``topic partition offset`` lines
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from compat.history.operations import Partition
from compat.history.replicas import ReplicaLog

_BATCH_START: Final = struct.Struct(">qi")


def read_replica(log_dir: Path, partition: Partition) -> ReplicaLog:
    """What a broker's only log directory holds; nothing where it has none for the partition."""
    batches = dict(_batches(log_dir / str(partition)))
    high_watermark = _checkpoint(log_dir / "replication-offset-checkpoint").get(partition, 0)
    start = _checkpoint(log_dir / "log-start-offset-checkpoint").get(partition, min(batches, default=0))
    return ReplicaLog(start, high_watermark, batches)


def _batches(directory: Path) -> Iterator[tuple[int, bytes]]:
    for segment in sorted(directory.glob("*.log")):
        data = segment.read_bytes()
        at = 0
        while at + _BATCH_START.size <= len(data):
            base_offset, length = _BATCH_START.unpack_from(data, at)
            end = at + _BATCH_START.size + length
            if length <= 0 or end > len(data):
                break
            yield base_offset, data[at:end]
            at = end


def _checkpoint(path: Path) -> dict[Partition, int]:
    if not path.exists():
        return {}
    rows = (line.rsplit(" ", 2) for line in path.read_text().splitlines()[2:])
    return {Partition(topic, int(index)): int(offset) for topic, index, offset in rows}
