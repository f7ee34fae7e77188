"""ProducerAppend: what an append does to the producers in it, checked before anything is written.

Sequences must go on where the producer's last batch ended, epochs must not go back, and a transaction ends
with the marker of a coordinator that is not a zombie. Kafka: ProducerAppendInfo, CompletedTxn, TxnMetadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.log.end_transaction_marker import EndTransactionMarker
from odradek.log.producer_entry import BatchMetadata, ProducerEntry
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import MAX_SEQUENCE, NO_PRODUCER_EPOCH, NO_SEQUENCE, BatchHeader
from odradek.records.validation import AppendOrigin


class CompletedTransaction(NamedTuple):
    """A transaction that a marker at `last_offset` ended."""

    producer_id: int
    first_offset: int
    last_offset: int
    is_aborted: bool


@dataclass(slots=True)
class OpenTransaction:
    """A transaction by its first offset; `last_offset` is its marker's once there is one."""

    producer_id: int
    first_offset: int
    last_offset: int | None = None


class ProducerAppend:
    """What an append does to one producer: checked batch by batch, not yet part of the state."""

    __slots__ = ("_current", "_origin", "_topic_partition", "started", "updated")

    def __init__(self, topic_partition: TopicPartition, current: ProducerEntry, origin: AppendOrigin) -> None:
        self._topic_partition = topic_partition
        self._current = current
        self._origin = origin
        self.updated = ProducerEntry(
            current.producer_id,
            current.producer_epoch,
            current.coordinator_epoch,
            current.last_timestamp,
            current.current_txn_first_offset,
        )
        self.started: list[OpenTransaction] = []

    def append_batch(self, header: BatchHeader, first_offset: int) -> None:
        """A data batch whose first record gets `first_offset`.

        Raises KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE.
        """
        epoch = header.producer_epoch
        self._check_epoch(epoch, first_offset)
        if self._origin is AppendOrigin.CLIENT:
            self._check_sequence(epoch, header.base_sequence, first_offset)
        updated = self.updated
        if updated.producer_epoch != epoch:
            updated.batches.clear()
            updated.producer_epoch = epoch
        delta = header.last_offset_delta
        updated.batches.append(
            BatchMetadata(header.last_sequence, first_offset + delta, delta, header.max_timestamp)
        )
        updated.last_timestamp = header.max_timestamp
        if header.is_transactional:
            if updated.current_txn_first_offset is None:
                updated.current_txn_first_offset = first_offset
                self.started.append(OpenTransaction(updated.producer_id, first_offset))
        elif updated.current_txn_first_offset is not None:
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE,
                f"Expected transactional write from producer {updated.producer_id} at offset {first_offset} "
                f"in partition {self._topic_partition}",
            )

    def append_marker(
        self, marker: EndTransactionMarker, producer_epoch: int, offset: int
    ) -> CompletedTransaction | None:
        """A marker at `offset`; None where it ends nothing, as of a transaction that wrote nothing here.

        Raises KafkaError: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED.
        """
        self._check_epoch(producer_epoch, offset)
        updated = self.updated
        fenced = updated.coordinator_epoch > marker.coordinator_epoch
        if fenced and self._origin is not AppendOrigin.REPLICATION:
            raise KafkaError(
                ErrorCode.TRANSACTION_COORDINATOR_FENCED,
                f"Invalid coordinator epoch for producerId {updated.producer_id} at offset {offset} in "
                f"partition {self._topic_partition}: {marker.coordinator_epoch} (zombie), "
                f"{updated.coordinator_epoch} (current)",
            )
        first_offset = updated.current_txn_first_offset
        if updated.producer_epoch != producer_epoch:
            updated.batches.clear()
            updated.producer_epoch = producer_epoch
        updated.coordinator_epoch = marker.coordinator_epoch
        updated.current_txn_first_offset = None
        updated.last_timestamp = marker.timestamp
        if first_offset is None:
            return None
        return CompletedTransaction(updated.producer_id, first_offset, offset, marker.is_abort)

    def _check_epoch(self, epoch: int, offset: int) -> None:
        updated = self.updated
        if epoch < updated.producer_epoch and self._origin is not AppendOrigin.REPLICATION:
            raise KafkaError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"Epoch of producer {updated.producer_id} at offset {offset} in {self._topic_partition} is "
                f"{epoch}, which is smaller than the last seen epoch {updated.producer_epoch}",
            )

    def _check_sequence(self, epoch: int, first_sequence: int, offset: int) -> None:
        updated = self.updated
        if epoch != updated.producer_epoch:
            if first_sequence != 0 and updated.producer_epoch != NO_PRODUCER_EPOCH:
                raise KafkaError(
                    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                    f"Invalid sequence number for new epoch of producer {updated.producer_id}at offset "
                    f"{offset} in partition {self._topic_partition}: {epoch} (request epoch), "
                    f"{first_sequence} (seq. number), {updated.producer_epoch} (current producer epoch)",
                )
            return
        current = self._current
        if updated.batches:
            last_sequence = updated.batches[-1].last_sequence
        elif epoch == current.producer_epoch:
            last_sequence = current.last_sequence
        else:
            last_sequence = NO_SEQUENCE
        # A producer that is not known (its records may have been deleted) starts wherever it says.
        in_sequence = first_sequence == last_sequence + 1 or (
            first_sequence == 0 and last_sequence == MAX_SEQUENCE
        )
        if not in_sequence and current.producer_epoch != NO_PRODUCER_EPOCH:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Out of order sequence number for producer {updated.producer_id} at offset {offset} in "
                f"partition {self._topic_partition}: {first_sequence} (incoming seq. number), "
                f"{last_sequence} (current end sequence number)",
            )


class PreparedAppend:
    """The changes of one append to all the producers in it, in order, and the transactions it completes."""

    __slots__ = ("appends", "completed")

    def __init__(self) -> None:
        self.appends: dict[int, ProducerAppend] = {}
        self.completed: list[CompletedTransaction] = []
