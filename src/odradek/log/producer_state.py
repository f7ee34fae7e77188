"""ProducerState: what the last batches of each producer in a log were, and which transactions are open.

A producer id (KIP-98) may have five batches in flight: the last five of each are remembered, so that a
retried one is answered with the offsets it already got, and one out of sequence is refused. Transactions
begin with the first transactional batch of a producer and end with a marker; the oldest that is open, or
whose marker is not below the high watermark yet, bounds what a read_committed consumer may see (the last
stable offset).

Deciding and changing are apart: `prepare` checks an append against a copy of each producer it names, `commit`
takes the copies over once the batches are written. The same two calls rebuild the state from the log.

Kafka: ProducerStateManager, ProducerStateEntry, ProducerAppendInfo.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.log.end_transaction_marker import EndTransactionMarker
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import MAX_SEQUENCE, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP, BatchHeader
from odradek.records.validation import AppendOrigin

BATCHES_TO_RETAIN = 5


class BatchMetadata(NamedTuple):
    """Where a producer's batch went; `offset_delta` is its last offset minus its first."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_sequence(self) -> int:
        """Sequences wrap from 2^31 - 1 to 0, and so may a batch."""
        return (self.last_sequence - self.offset_delta) & MAX_SEQUENCE

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


@dataclass(slots=True)
class ProducerEntry:
    """The state of one producer id; `batches` holds the last five of the current epoch, oldest first."""

    producer_id: int
    producer_epoch: int = NO_PRODUCER_EPOCH
    coordinator_epoch: int = -1
    last_timestamp: int = NO_TIMESTAMP
    current_txn_first_offset: int | None = None
    batches: deque[BatchMetadata] = field(default_factory=lambda: deque(maxlen=BATCHES_TO_RETAIN))

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    @property
    def last_data_offset(self) -> int:
        return self.batches[-1].last_offset if self.batches else -1

    @property
    def last_offset_delta(self) -> int:
        return self.batches[-1].offset_delta if self.batches else 0

    def find_duplicate(self, header: BatchHeader) -> BatchMetadata | None:
        """The remembered batch of the same epoch and sequences, or None."""
        if header.producer_epoch == self.producer_epoch:
            last_sequence = header.last_sequence
            for batch in self.batches:
                if batch.last_sequence == last_sequence and batch.first_sequence == header.base_sequence:
                    return batch
        return None


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


class ProducerState:
    """All producers and transactions of one log; owned by the log."""

    __slots__ = (
        "_ongoing",
        "_topic_partition",
        "_unreplicated",
        "end_offset",
        "producers",
    )

    def __init__(self, topic_partition: TopicPartition) -> None:
        self._topic_partition = topic_partition
        self.producers: dict[int, ProducerEntry] = {}
        self._ongoing: dict[int, OpenTransaction] = {}
        """By first offset, ascending: transactions begin at the log's end."""
        self._unreplicated: dict[int, OpenTransaction] = {}
        """Ended by a marker that is not known to be below the high watermark."""
        self.end_offset = 0
        """The state is that before this offset; Kafka's mapEndOffset."""

    @property
    def is_empty(self) -> bool:
        return not self.producers and not self._unreplicated

    def load(self, entries: Iterable[ProducerEntry], end_offset: int) -> None:
        """Replaces everything by a snapshot's entries."""
        self.clear(end_offset)
        self.producers = {entry.producer_id: entry for entry in entries}
        open_entries = [
            (entry.current_txn_first_offset, entry.producer_id)
            for entry in self.producers.values()
            if entry.current_txn_first_offset is not None
        ]
        for first_offset, producer_id in sorted(open_entries):
            self._ongoing[first_offset] = OpenTransaction(producer_id, first_offset)

    def clear(self, end_offset: int) -> None:
        self.producers = {}
        self._ongoing.clear()
        self._unreplicated.clear()
        self.end_offset = end_offset

    def find_duplicate(self, header: BatchHeader) -> BatchMetadata | None:
        """Where this very batch was written before, if it is among its producer's last five."""
        entry = self.producers.get(header.producer_id)
        return None if entry is None else entry.find_duplicate(header)

    def prepare(
        self,
        batches: Iterable[tuple[BatchHeader, int, EndTransactionMarker | None]],
        origin: AppendOrigin,
    ) -> PreparedAppend:
        """Checks an append of (header, offset of its first record, marker if it is a control batch).

        Changes nothing. Raises what `ProducerAppend` raises.
        """
        prepared = PreparedAppend()
        for header, first_offset, marker in batches:
            producer_id = header.producer_id
            if producer_id < 0:
                continue
            append = prepared.appends.get(producer_id)
            if append is None:
                current = self.producers.get(producer_id) or ProducerEntry(producer_id)
                append = ProducerAppend(self._topic_partition, current, origin)
                prepared.appends[producer_id] = append
            if not header.is_control:
                append.append_batch(header, first_offset)
            elif marker is not None:
                completed = append.append_marker(marker, header.producer_epoch, first_offset)
                if completed is not None:
                    prepared.completed.append(completed)
        return prepared

    def commit(self, prepared: PreparedAppend) -> None:
        """Takes over what was checked; its completed transactions follow one by one through `complete`."""
        for producer_id, append in prepared.appends.items():
            updated = append.updated
            entry = self.producers.get(producer_id)
            if entry is None:
                self.producers[producer_id] = updated
            else:
                if entry.producer_epoch != updated.producer_epoch:
                    entry.batches.clear()
                    entry.producer_epoch = updated.producer_epoch
                entry.batches.extend(updated.batches)
                entry.coordinator_epoch = updated.coordinator_epoch
                entry.current_txn_first_offset = updated.current_txn_first_offset
                entry.last_timestamp = updated.last_timestamp
            for transaction in append.started:
                self._ongoing[transaction.first_offset] = transaction

    def complete(self, completed: CompletedTransaction) -> None:
        """Its outcome is known; its records stay unstable until the marker is below the high watermark."""
        transaction = self._ongoing.pop(completed.first_offset)
        transaction.last_offset = completed.last_offset
        self._unreplicated[completed.first_offset] = transaction

    def last_stable_offset(self, completed: CompletedTransaction) -> int:
        """The last stable offset there will be once `completed` is; for the transaction index."""
        for transaction in self._ongoing.values():
            if transaction.producer_id != completed.producer_id:
                return transaction.first_offset
        return completed.last_offset + 1

    @property
    def first_unstable_offset(self) -> int | None:
        """Of the oldest transaction that is open or whose marker is not replicated; None: all is stable."""
        first = next(iter(self._ongoing), None)
        if not self._unreplicated:
            return first
        first_unreplicated = min(self._unreplicated)
        return first_unreplicated if first is None else min(first, first_unreplicated)

    @property
    def first_undecided_offset(self) -> int | None:
        """Of the oldest transaction without a marker."""
        return next(iter(self._ongoing), None)

    def on_high_watermark(self, offset: int) -> None:
        """Markers below `offset` are replicated: their transactions are stable."""
        if self._unreplicated:
            self._unreplicated = {
                first_offset: transaction
                for first_offset, transaction in self._unreplicated.items()
                if transaction.last_offset is None or transaction.last_offset >= offset
            }

    def on_log_start_offset(self, offset: int) -> None:
        """The log starts at `offset` now."""
        self.on_high_watermark(offset)
        self.end_offset = max(self.end_offset, offset)

    def is_expired(self, entry: ProducerEntry, now_ms: int, expiration_ms: int) -> bool:
        return entry.current_txn_first_offset is None and now_ms - entry.last_timestamp >= expiration_ms

    def expire(self, now_ms: int, expiration_ms: int) -> None:
        """Forgets producers that wrote nothing for `expiration_ms` and have no open transaction."""
        self.producers = {
            producer_id: entry
            for producer_id, entry in self.producers.items()
            if not self.is_expired(entry, now_ms, expiration_ms)
        }

    def in_snapshot_order(self) -> Iterator[ProducerEntry]:
        """The producers in the order of Kafka's snapshots."""
        return _in_java_hash_order(self.producers)


def _in_java_hash_order(producers: Mapping[int, ProducerEntry]) -> Iterator[ProducerEntry]:
    """As a Java HashMap of the same keys iterates: by bucket, so that snapshots are the same to the byte."""
    capacity = 16
    while len(producers) > capacity * 3 // 4:
        capacity *= 2

    def bucket(producer_id: int) -> int:
        code = (producer_id ^ (producer_id >> 32)) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & (capacity - 1)

    return (producers[producer_id] for producer_id in sorted(producers, key=bucket))
