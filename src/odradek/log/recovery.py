"""Loading a partition's log from its directory, and mending it where the broker did not stop in order.

After a clean stop only file names and sizes are looked at, and the last segment's last batch. After
anything else each segment past the recovery point is read batch by batch: the first that is torn or damaged
ends the log, and indexes, leader epochs, aborted transactions and producer state come out of what is read.
Runs in a thread: it works on objects that nobody else has seen yet.

Kafka: LogLoader, LogSegment.recover.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.log.checkpoints import MalformedCheckpoint
from odradek.log.file_names import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    offset_file_name,
    offset_of_file,
)
from odradek.log.leader_epochs import LeaderEpochs
from odradek.log.leftovers import remove_leftovers
from odradek.log.producer_recovery import rebuild_producers, replay_batch
from odradek.log.producer_snapshots import ProducerSnapshots
from odradek.log.producer_state import ProducerState
from odradek.log.segment import Segment, SegmentLimits
from odradek.log.transaction_index import AbortedTransaction, CorruptTransactionIndex
from odradek.metadata.topic_partition import TopicPartition
from odradek.records.crc import compute_crc
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_INDEX_SUFFIXES = (INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX)

_log = get_logger(__name__)


@value_object
class LoadRequest:
    """Which log to load, and what its directory's checkpoints say of it."""

    topic_partition: TopicPartition
    path: str
    config: LogConfig
    now_ms: int
    producer_id_expiration_ms: int
    log_start_offset: int = 0
    recovery_point: int = 0
    had_clean_shutdown: bool = True


@dataclass(slots=True, eq=False, repr=False)
class LoadedLog:
    """A log as it was found, to be taken over by `Log`."""

    path: str
    segments: list[Segment]
    log_start_offset: int
    recovery_point: int
    log_end_offset: int
    leader_epochs: LeaderEpochs
    producers: ProducerState
    snapshots: ProducerSnapshots


def segment_limits(config: LogConfig, roll_jitter_ms: int = 0) -> SegmentLimits:
    return SegmentLimits(config.index_interval_bytes, config.segment_index_bytes, roll_jitter_ms)


def load_log(request: LoadRequest) -> LoadedLog:
    """Opens the log in `request.path`, which must exist. Blocks. Raises OSError.

    That includes batches that make no sense where all should be well: after a clean stop.
    """
    try:
        return _Loader(request).load()
    except KafkaError as error:
        raise OSError(f"Log in {request.path} is not readable: {error}") from error


class _Loader:
    """One loading, start to end."""

    def __init__(self, request: LoadRequest) -> None:
        self._request = request
        self._path = request.path
        self._limits = segment_limits(request.config)
        self._segments: list[Segment] = []
        try:
            self._epochs = LeaderEpochs.load(self._path)
        except MalformedCheckpoint as error:
            _log.warn(
                "leader epochs are not readable", partition=str(request.topic_partition), error=str(error)
            )
            self._epochs = LeaderEpochs(self._path)

    def load(self) -> LoadedLog:
        request = self._request
        remove_leftovers(self._path)
        self._load_segments()
        if not request.had_clean_shutdown:
            self._recover_unflushed()
        elif self._segments:
            self._check_active()
        end_offset = self._end_offset()
        recovery_point = end_offset if request.had_clean_shutdown else min(request.recovery_point, end_offset)
        active = self._segments[-1]
        active.activate()
        for segment in self._segments[:-1]:
            segment.deactivate()
        log_start_offset = max(request.log_start_offset, self._segments[0].base_offset)
        self._epochs.truncate_from_end(end_offset)
        self._epochs.truncate_from_start(request.log_start_offset)
        producers = ProducerState(request.topic_partition)
        snapshots = self._new_snapshots()
        snapshots.delete_strays([segment.base_offset for segment in self._segments])
        self._rebuild(producers, snapshots, log_start_offset, end_offset, request.had_clean_shutdown)
        for segment in self._segments:
            segment.rest()
        return LoadedLog(
            self._path,
            self._segments,
            log_start_offset,
            recovery_point,
            end_offset,
            self._epochs,
            producers,
            snapshots,
        )

    def _new_snapshots(self) -> ProducerSnapshots:
        snapshots = ProducerSnapshots(self._path)
        snapshots.scan()
        return snapshots

    def _rebuild(
        self, producers: ProducerState, snapshots: ProducerSnapshots, start: int, end: int, was_clean: bool
    ) -> None:
        rebuild_producers(
            producers,
            snapshots,
            self._segments,
            log_start_offset=start,
            end_offset=end,
            now_ms=self._request.now_ms,
            expiration_ms=self._request.producer_id_expiration_ms,
            had_clean_shutdown=was_clean,
        )

    def _load_segments(self) -> None:
        names = sorted(os.listdir(self._path))
        present = set(names)
        for name in names:
            offset = offset_of_file(name)
            if offset is None:
                continue
            if name.endswith(_INDEX_SUFFIXES) and offset_file_name(offset, LOG_SUFFIX) not in present:
                _log.warn("index without a log file is deleted", file=os.path.join(self._path, name))
                os.unlink(os.path.join(self._path, name))
            elif name.endswith(LOG_SUFFIX):
                self._load_segment(offset, present)

    def _load_segment(self, base_offset: int, present: set[str]) -> None:
        segment = Segment.open(self._path, base_offset, self._limits, self._request.now_ms)
        if offset_file_name(base_offset, TIME_INDEX_SUFFIX) not in present:
            segment.time_index.create()
        problem = None
        if offset_file_name(base_offset, INDEX_SUFFIX) not in present:
            problem = "no offset index"
        else:
            try:
                segment.transaction_index.entries()
            except CorruptTransactionIndex as error:
                problem = str(error)
            problem = problem or segment.offset_index.size_problem() or segment.time_index.size_problem()
        if problem is not None:
            _log.warn("indexes are rebuilt", segment=segment.path, reason=problem)
            self._recover(segment)
        self._segments.append(segment)

    def _check_active(self) -> None:
        """The active segment's indexes are read anyway; where they make no sense they are rebuilt."""
        active = self._segments[-1]
        problem = active.offset_index.problem(active.size_bytes) or active.time_index.problem()
        if problem is not None:
            _log.warn("indexes are rebuilt", segment=active.path, reason=problem)
            self._recover(active)

    def _recover(self, segment: Segment) -> int:
        """Rebuilds what belongs to the segment; bytes that had to be cut off."""
        producers = ProducerState(self._request.topic_partition)
        snapshots = self._new_snapshots()
        self._rebuild(producers, snapshots, self._request.log_start_offset, segment.base_offset, False)
        truncated = recover_segment(segment, producers, self._epochs)
        snapshots.take(producers, sync=False)
        return truncated

    def _recover_unflushed(self) -> None:
        bases = [segment.base_offset for segment in self._segments]
        first = max(0, bisect_right(bases, self._request.recovery_point) - 1)
        for number in range(first, len(self._segments)):
            segment = self._segments[number]
            if self._recover(segment):
                _log.warn("log is cut off where it is damaged", segment=segment.path, size=segment.size_bytes)
                self._delete_segments(self._segments[number + 1 :])
                return

    def _delete_segments(self, segments: list[Segment]) -> None:
        for segment in segments:
            self._segments.remove(segment)
            for path in segment.mark_deleted():
                os.unlink(path)

    def _end_offset(self) -> int:
        """The next offset to be written; leaves at least one segment."""
        start_offset = self._request.log_start_offset
        if self._segments:
            end_offset = self._segments[-1].next_offset()
            if end_offset >= start_offset:
                return end_offset
            _log.warn(
                "log ends before it starts; all segments are deleted",
                partition=str(self._request.topic_partition),
                log_end_offset=end_offset,
                log_start_offset=start_offset,
            )
            self._delete_segments(list(self._segments))
            self._epochs.clear()
            self._new_snapshots().delete_all()
        self._segments.append(Segment.create(self._path, start_offset, self._limits, self._request.now_ms))
        return start_offset


def recover_segment(segment: Segment, producers: ProducerState, epochs: LeaderEpochs) -> int:
    """Reads every batch, rebuilds the indexes, cuts off what is damaged; bytes cut. Raises OSError.

    `producers` is the state before the segment and becomes the one after it.
    """
    segment.offset_index.reset()
    segment.time_index.reset()
    segment.transaction_index.reset()
    max_timestamp, offset_of_max_timestamp = -1, -1
    valid_bytes = last_index_entry = 0
    end_offset = segment.base_offset
    try:
        for position, header in segment.file.batches():
            batch = segment.file.batch(position, header)
            if compute_crc(batch, header.magic) != header.crc:
                _log.warn("damaged batch", segment=segment.path, position=position, offset=header.base_offset)
                break
            if header.base_offset < end_offset:
                # The CRC does not cover it: half of it may lie on a page that was lost. Kafka would go on.
                _log.warn(
                    "offset goes back", segment=segment.path, position=position, offset=header.base_offset
                )
                break
            if not segment.can_hold(header.last_offset):
                # Kafka splits such a segment, which only releases before 1.1 left behind (KAFKA-6264).
                raise OSError(f"Offset {header.last_offset} is out of the range of {segment.path}")
            if header.max_timestamp > max_timestamp:
                max_timestamp, offset_of_max_timestamp = header.max_timestamp, header.last_offset
            if position - last_index_entry > segment.index_interval_bytes:
                segment.offset_index.append(header.last_offset, position)
                segment.time_index.maybe_append(max_timestamp, offset_of_max_timestamp)
                last_index_entry = position
            valid_bytes, end_offset = position + header.size_bytes, header.next_offset
            if header.magic >= 2:
                if header.partition_leader_epoch > epochs.latest_epoch:
                    epochs.assign(header.partition_leader_epoch, header.base_offset)
                for completed in replay_batch(producers, header, batch):
                    if completed.is_aborted:
                        stable_offset = producers.last_stable_offset(completed)
                        segment.transaction_index.append(AbortedTransaction(*completed[:3], stable_offset))
                    producers.complete(completed)
                producers.end_offset = header.next_offset
    except (KafkaError, ValueError) as error:
        _log.warn("invalid batch", segment=segment.path, position=valid_bytes, error=str(error))
    truncated = segment.size_bytes - valid_bytes
    if truncated:
        segment.truncate_file(valid_bytes)
    segment.set_max_timestamp(max_timestamp, offset_of_max_timestamp)
    segment.time_index.maybe_append(max_timestamp, offset_of_max_timestamp)
    return truncated
