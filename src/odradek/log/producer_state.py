"""ProducerState: the producers of a log, and which transactions are open.

Transactions begin with the first transactional batch of a producer and end with a marker; the oldest that is
open, or whose marker is not below the high watermark yet, bounds what a read_committed consumer may see (the
last stable offset).

Deciding and changing are apart: `prepare` checks an append against a copy of each producer it names, `commit`
takes the copies over once the batches are written. The same two calls rebuild the state from the log.

Kafka: ProducerStateManager.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odradek.log.end_transaction_marker import EndTransactionMarker
from odradek.log.producer_append import (
    CompletedTransaction,
    OpenTransaction,
    PreparedAppend,
    ProducerAppend,
)
from odradek.log.producer_entry import BatchMetadata, ProducerEntry
from odradek.metadata.hash_order import java_order, long_hash
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.batch import BatchHeader
from odradek.records.validation import AppendOrigin


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
        """The producers in the order of Kafka's snapshots, so that these are the same to the byte."""
        return (self.producers[producer_id] for producer_id in java_order(self.producers, long_hash))
