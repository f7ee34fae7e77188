"""Whether the replicas of a partition hold the same batches, as far as they are committed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compat.history.finding import Anomaly, Finding
from compat.history.operations import Partition


@dataclass(frozen=True, slots=True)
class ReplicaLog:
    """What one broker's files hold of a partition."""

    start_offset: int
    high_watermark: int
    """What it knew to be committed."""

    batches: Mapping[int, bytes]
    """Base offset → the batch's bytes as they are in its segment, leader epoch included."""


def check_replicas(partition: Partition, replicas: Mapping[int, ReplicaLog]) -> Iterator[Finding]:
    """Compare every replica with the first, batch by batch, from the latest start to the lowest end.

    What is committed is below the highest high watermark that any of them knows; a replica that has fallen
    behind is compared as far as it goes. Batches are compared whole: followers keep them as they come.
    """
    (first_broker, first), *others = sorted(replicas.items())
    for broker, other in others:
        start = max(first.start_offset, other.start_offset)
        end = min(_committed_end(replicas), _end(first), _end(other))
        for offset in sorted(first.batches.keys() | other.batches.keys()):
            if start <= offset < end and first.batches.get(offset) != other.batches.get(offset):
                ours, theirs = _shown(first.batches.get(offset)), _shown(other.batches.get(offset))
                detail = f"at {offset} broker {first_broker} has {ours}, broker {broker} {theirs}"
                yield Finding(Anomaly.DIVERGENT_REPLICAS, partition, detail)
                break


def _committed_end(replicas: Mapping[int, ReplicaLog]) -> int:
    return max(replica.high_watermark for replica in replicas.values())


def _end(replica: ReplicaLog) -> int:
    """Behind the base offset of its last batch: whether it has the whole of it shows in the bytes."""
    return max(replica.batches, default=replica.start_offset - 1) + 1


def _shown(batch: bytes | None) -> str:
    return "nothing" if batch is None else f"{len(batch)} bytes {batch[12:24].hex()}…"
