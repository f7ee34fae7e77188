"""The record of a control batch that ends a transaction.

    key    0  version            int16   0
           2  type               int16   0 abort, 1 commit
    value  0  version            int16   0
           2  coordinator_epoch  int32

Kafka: ControlRecordType, EndTransactionMarker (KIP-98).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import BatchHeader, Buffer
from odradek.records.record import read_records

_KEY = Struct(">hh")
_VALUE = Struct(">hi")

ABORT = 0
COMMIT = 1


class EndTransactionMarker(NamedTuple):
    """What a marker says, and its record's timestamp in ms."""

    is_abort: bool
    coordinator_epoch: int
    timestamp: int = -1

    def key(self) -> bytes:
        return _KEY.pack(0, ABORT if self.is_abort else COMMIT)

    def value(self) -> bytes:
        return _VALUE.pack(0, self.coordinator_epoch)


def read_marker(batch: Buffer, header: BatchHeader) -> EndTransactionMarker | None:
    """The marker in a control batch; None in one that compaction emptied, or of another kind.

    Raises KafkaError(INVALID_RECORD) for a marker too short to be one.
    """
    for record in read_records(batch, header):
        if record.key is None or len(record.key) < _KEY.size:
            break
        kind = _KEY.unpack_from(record.key)[1]
        if kind not in (ABORT, COMMIT):
            return None
        if record.value is None or len(record.value) < _VALUE.size:
            break
        return EndTransactionMarker(kind == ABORT, _VALUE.unpack_from(record.value)[1], record.timestamp)
    else:
        return None
    raise KafkaError(ErrorCode.INVALID_RECORD, "Invalid end transaction marker")
