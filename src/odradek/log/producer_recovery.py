"""Rebuilding the state of producers when a log is loaded or cut: a snapshot, and the batches since.

A snapshot holds the last batch of each producer only. Loading a log ends with one, after a kill too, so that
of a producer's five batches in flight one is known again after a restart: it is refused as out of order if it
sends an earlier one again, as by Kafka. Kafka: UnifiedLog.rebuildProducerState.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from odradek.log.end_transaction_marker import read_marker
from odradek.log.producer_append import CompletedTransaction
from odradek.log.producer_snapshots import ProducerSnapshots
from odradek.log.producer_state import ProducerState
from odradek.log.segment import Segment
from odradek.records.batch import BatchHeader, Buffer
from odradek.records.validation import AppendOrigin


def replay_batch(producers: ProducerState, header: BatchHeader, batch: Buffer) -> list[CompletedTransaction]:
    """What a batch in the log means for its producer; the transactions it completes, for `complete`.

    `batch` is only looked at if it is a control batch.
    """
    if header.producer_id < 0:
        return []
    marker = read_marker(batch, header) if header.is_control else None
    prepared = producers.prepare([(header, header.base_offset, marker)], AppendOrigin.REPLICATION)
    producers.commit(prepared)
    return prepared.completed


def rebuild_producers(
    producers: ProducerState,
    snapshots: ProducerSnapshots,
    segments: Sequence[Segment],
    *,
    log_start_offset: int,
    end_offset: int,
    now_ms: int,
    expiration_ms: int,
    had_clean_shutdown: bool,
) -> None:
    """Makes `producers` the state before `end_offset`: the latest snapshot, and the batches since.

    Leaves a snapshot at `end_offset`, and at the last two segments' base offsets where it comes past them. A
    log that was stopped cleanly without any snapshot comes from a Kafka that had none: it has no producers.
    """
    snapshot_offsets = [segment.base_offset for segment in segments[-2:]]
    if snapshots.latest is None and had_clean_shutdown:
        for offset in (*snapshot_offsets, end_offset):
            producers.end_offset = offset
            snapshots.take(producers, sync=False)
        return
    was_empty = producers.is_empty and producers.end_offset >= end_offset
    snapshots.delete_outside(log_start_offset, end_offset)
    if end_offset != producers.end_offset:
        snapshots.load(producers, log_start_offset, now_ms, expiration_ms)
    else:
        producers.on_log_start_offset(log_start_offset)
        snapshots.last_offset = snapshots.latest if snapshots.latest is not None else log_start_offset
    if end_offset > producers.end_offset and not was_empty:
        _replay_segments(producers, snapshots, segments, snapshot_offsets, log_start_offset, end_offset)
    producers.end_offset = end_offset
    snapshots.take(producers, sync=False)


def _replay_segments(
    producers: ProducerState,
    snapshots: ProducerSnapshots,
    segments: Sequence[Segment],
    snapshot_offsets: list[int],
    log_start_offset: int,
    end_offset: int,
) -> None:
    bases = [segment.base_offset for segment in segments]
    for number in range(max(0, bisect_right(bases, producers.end_offset) - 1), len(segments)):
        segment = segments[number]
        if segment.base_offset >= end_offset:
            break
        producers.end_offset = start_offset = max(segment.base_offset, producers.end_offset, log_start_offset)
        if segment.base_offset in snapshot_offsets:
            snapshots.take(producers, sync=False)
        found = segment.locate(start_offset)
        if found is None:
            continue
        for position, header in segment.file.batches(found[0]):
            if header.last_offset >= end_offset:
                break
            batch = segment.file.batch(position, header) if header.is_control else b""
            for completed in replay_batch(producers, header, batch):
                producers.complete(completed)
