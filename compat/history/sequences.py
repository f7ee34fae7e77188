"""Whether each idempotent producer's batches are in each replica once, in order and without a gap.

That is all that Kafka promises such a producer: of a producer id, epoch and sequence number there is one
record in a partition. A client that begins a new epoch and sends its records again has them there twice, and
rightly. librdkafka does so after OUT_OF_ORDER_SEQUENCE_NUMBER, which a broker says whenever the batch before
was refused in passing, as it is while a leader moves (https://github.com/confluentinc/librdkafka/issues/4953).

    batch    base offset int64 | length int32 | leader epoch int32 | magic int8 | CRC uint32
             attributes int16 | last offset delta int32 | base timestamp int64 | max timestamp int64
             producer id int64 | producer epoch int16 | base sequence int32 | …
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from compat.history.finding import Anomaly, Finding
from compat.history.operations import Partition
from compat.history.replicas import ReplicaLog

_HEADER: Final = struct.Struct(">qiibIhiqqqhi")
_CONTROL: Final = 0x20
_SEQUENCES: Final = 1 << 31
"""After the last of them comes 0 again."""


@dataclass(frozen=True, slots=True)
class ProducerEpoch:
    """One life of a producer: within it, sequence numbers begin at 0 and count records."""

    producer_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class _Sequenced:
    """A batch of an idempotent producer."""

    base_offset: int
    last_offset: int
    producer: ProducerEpoch
    first: int
    last: int

    def __str__(self) -> str:
        producer = f"producer {self.producer.producer_id} epoch {self.producer.epoch}"
        return f"{producer} sequence {self.first}..{self.last} at {self.base_offset}..{self.last_offset}"


def check_sequences(partition: Partition, replicas: Mapping[int, ReplicaLog]) -> Iterator[Finding]:
    """Findings about the sequence numbers in each replica's files."""
    for broker, replica in replicas.items():
        latest: dict[int, _Sequenced] = {}
        for batch in _sequenced(replica):
            before = latest.get(batch.producer.producer_id)
            wrong = None if before is None else _wrong(before, batch)
            if wrong is not None:
                yield Finding(wrong, partition, f"broker {broker} has {before}, then {batch}")
            latest[batch.producer.producer_id] = batch


def producer_epochs(replicas: Mapping[int, ReplicaLog]) -> dict[int, ProducerEpoch]:
    """Offset → whose record is there, for the records of idempotent producers."""
    return {
        offset: batch.producer
        for replica in replicas.values()
        for batch in _sequenced(replica)
        for offset in range(batch.base_offset, batch.last_offset + 1)
    }


def _wrong(before: _Sequenced, batch: _Sequenced) -> Anomaly | None:
    """What is wrong with a batch behind another of the same producer."""
    if batch.producer.epoch > before.producer.epoch:
        return None if batch.first == 0 else Anomaly.SEQUENCE_GAP
    if batch.producer.epoch < before.producer.epoch:
        return Anomaly.FENCED_BUT_WRITTEN
    ahead = (batch.first - before.last - 1) % _SEQUENCES
    if ahead == 0:
        return None
    return Anomaly.SEQUENCE_GAP if ahead < _SEQUENCES // 2 else Anomaly.DUPLICATE


def _sequenced(replica: ReplicaLog) -> Iterator[_Sequenced]:
    for base_offset, data in sorted(replica.batches.items()):
        if len(data) < _HEADER.size:
            continue
        fields = _HEADER.unpack_from(data)
        attributes, last_delta, (producer_id, epoch, first) = fields[5], fields[6], fields[9:]
        if producer_id >= 0 and first >= 0 and not attributes & _CONTROL:
            last = (first + last_delta) % _SEQUENCES
            producer = ProducerEpoch(producer_id, epoch)
            yield _Sequenced(base_offset, base_offset + last_delta, producer, first, last)
