"""Log: the batches of one partition on this broker, from its log start offset to its log end offset.

Appending, reading and truncating are synchronous: between two of them nobody sees a log half changed. They
write to the page cache; what must be on disk is awaited with `flush`. The high watermark and with it who may
read how far is not known here: readers say where to end.

The order on appending: decide (validation, producer state), then write (roll, data, indexes), then take over
(offsets, producers, transactions), so that a refused or failed append leaves no trace.

Longer than a file should be: appending, truncating and closing must keep the same few fields true together.

Kafka: UnifiedLog, LocalLog.
"""

from __future__ import annotations

import os
import random
import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError
from odradek.log.append_info import LogAppendInfo, UnexpectedAppendOffset
from odradek.log.batch_rules import batch_rules
from odradek.log.doomed_files import Doomed
from odradek.log.end_transaction_marker import read_marker
from odradek.log.environment import LogEnvironment
from odradek.log.file_names import FUTURE_DIRECTORY_SUFFIX
from odradek.log.flusher import Flusher, FlushJob
from odradek.log.leisure import at_leisure, decompress_zstd
from odradek.log.log_directory import LogDirectory
from odradek.log.partition_metadata import metadata_path, write_topic_id
from odradek.log.producer_append import PreparedAppend
from odradek.log.producer_recovery import rebuild_producers
from odradek.log.recovery import LoadedLog, segment_limits
from odradek.log.segment import RollRules, Segment
from odradek.log.segments import Segments
from odradek.log.slice import EMPTY_SLICE, LogSlice
from odradek.log.timestamp_search import TimestampedOffset
from odradek.log.transaction_index import AbortedTransaction
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import NO_TIMESTAMP, BatchHeader, TimestampType
from odradek.records.validation import (
    AppendOrigin,
    ValidBatch,
    validate_at_leisure,
    validate_batches,
    validate_for_append,
)
from odradek.telemetry import get_logger

_log = get_logger(__name__)


class Log:
    """One partition's log; owned by the broker's one task of state."""

    __slots__ = (
        "_config",
        "_environment",
        "_flusher",
        "_roll_rules",
        "_rules",
        "directory",
        "doomed",
        "last_flush_ms",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "on_flushed",
        "path",
        "producers",
        "recovery_point",
        "segments",
        "snapshots",
        "topic_id",
        "topic_partition",
    )

    def __init__(
        self,
        topic_partition: TopicPartition,
        config: LogConfig,
        loaded: LoadedLog,
        directory: LogDirectory,
        environment: LogEnvironment,
    ) -> None:
        self.topic_partition = topic_partition
        self.topic_id: uuid.UUID | None = None
        self.directory = directory
        self.path = loaded.path
        self._environment = environment
        self.segments = Segments(loaded.segments)
        self.log_start_offset = loaded.log_start_offset
        self.log_end_offset = loaded.log_end_offset
        """The offset that the next record gets."""
        self.recovery_point = loaded.recovery_point
        """Everything below is on disk."""
        self.leader_epochs = loaded.leader_epochs
        self.producers = loaded.producers
        self.snapshots = loaded.snapshots
        self.doomed: deque[Doomed] = deque()
        """Files of deleted segments, oldest first; `Logs` removes them."""
        self.last_flush_ms = environment.clock.now_ms()
        self.on_flushed: Callable[[], None] | None = None
        """Called when more is on disk than before."""
        self._flusher = Flusher(self, environment.offload)
        self.config = config

    def __repr__(self) -> str:
        return f"Log({self.topic_partition}, [{self.log_start_offset}, {self.log_end_offset}))"

    @property
    def config(self) -> LogConfig:
        return self._config

    @config.setter
    def config(self, config: LogConfig) -> None:
        self._config = config
        self._roll_rules = RollRules(config.segment_bytes, config.max_segment_ms)
        validate_records = self._environment.validate_records
        self._rules = batch_rules(self.topic_partition, config, validate_records=validate_records)

    @property
    def is_future(self) -> bool:
        """Whether it is to take the place of the partition's log in another directory."""
        return self.path.endswith(FUTURE_DIRECTORY_SUFFIX)

    @property
    def size_bytes(self) -> int:
        return self.segments.size_bytes

    def assign_topic_id(self, topic_id: uuid.UUID) -> None:
        """Writes partition.metadata, which is synced soon. Raises StorageError."""
        with self._on_disk("Error while writing partition metadata file"):
            write_topic_id(self.path, topic_id)
        self.topic_id = topic_id
        self._environment.flushes.request_job(FlushJob([metadata_path(self.path)], self.path))

    # Appending

    def append_as_leader(
        self,
        records: memoryview | bytes | bytearray | ValidBatch,
        *,
        leader_epoch: int,
        now_ms: int,
        origin: AppendOrigin = AppendOrigin.CLIENT,
    ) -> LogAppendInfo:
        """Gives the batch in `records` its offsets, in place if the buffer is writable, and writes it.

        Measured path. Raises KafkaError: what `validate_for_append` and `ProducerState.prepare` raise,
        RECORD_LIST_TOO_LARGE; StorageError. Raises TakesLong for records of which `validate_at_leisure` is to
        make a ValidBatch first. Nothing has changed then.
        """
        if self.directory.failure is not None:
            self.directory.check_online()
        if isinstance(records, ValidBatch):
            valid = records
        else:
            valid = validate_for_append(records, self._rules, origin=origin, now_ms=now_ms)
        batch, header = valid
        size_bytes = len(batch)
        first_offset = self.log_end_offset
        prepared = None
        if header.producer_id >= 0:
            if origin is AppendOrigin.CLIENT:
                duplicate = self.producers.find_duplicate(header)
                if duplicate is not None:
                    return LogAppendInfo(
                        duplicate.first_offset,
                        duplicate.last_offset,
                        duplicate.timestamp,
                        self.log_start_offset,
                        1,
                        size_bytes,
                        is_duplicate=True,
                    )
            marker = read_marker(batch, header) if header.is_control else None
            prepared = self.producers.prepare([(header, first_offset, marker)], origin)
        self._check_fits_segment(size_bytes)
        header = valid.assign_offsets(first_offset, leader_epoch)
        self._write(batch, [header], prepared, now_ms)
        is_stamped = self._rules.timestamp_type is TimestampType.LOG_APPEND_TIME
        log_append_time_ms = now_ms if is_stamped else NO_TIMESTAMP
        return LogAppendInfo(
            first_offset, self.log_end_offset - 1, log_append_time_ms, self.log_start_offset, 1, size_bytes
        )

    async def validate_at_leisure(self, records: memoryview, now_ms: int) -> ValidBatch:
        """What to append where `append_as_leader` raised TakesLong; others have turns meanwhile.

        Raises KafkaError as `validate_for_append`.
        """
        return await at_leisure(
            validate_at_leisure(records, self._rules, now_ms=now_ms, zstd=decompress_zstd)
        )

    def append_as_follower(self, records: memoryview | bytes | bytearray) -> LogAppendInfo:
        """Writes the leader's batches as they are; a torn one at the end is left out.

        Raises KafkaError(CORRUPT_MESSAGE), StorageError, UnexpectedAppendOffset.
        """
        self.directory.check_online()
        headers = validate_batches(records, self.topic_partition)
        if not headers:
            return LogAppendInfo(-1, -1, NO_TIMESTAMP, self.log_start_offset, 0, 0)
        self._check_ascending(headers)
        view = memoryview(records)
        batches = []
        position = 0
        for header in headers:
            end = position + header.size_bytes
            marker = read_marker(view[position:end], header) if header.is_control else None
            batches.append((header, header.base_offset, marker))
            position = end
        prepared = self.producers.prepare(batches, AppendOrigin.REPLICATION)
        self._check_fits_segment(position)
        self._write(view[:position], headers, prepared, self._environment.clock.now_ms())
        return LogAppendInfo(
            headers[0].base_offset,
            headers[-1].last_offset,
            NO_TIMESTAMP,
            self.log_start_offset,
            len(headers),
            position,
        )

    def _check_ascending(self, headers: list[BatchHeader]) -> None:
        first = headers[0]
        if first.base_offset < self.log_end_offset:
            raise UnexpectedAppendOffset(
                f"Unexpected offset in append to {self.topic_partition}. First offset {first.base_offset} is "
                f"less than the next offset {self.log_end_offset}. Last offset in append: "
                f"{headers[-1].last_offset}. Log start offset = {self.log_start_offset}",
                first.base_offset,
                headers[-1].last_offset,
            )
        last_offset = -1
        for header in headers:
            if header.last_offset <= last_offset:
                raise UnexpectedAppendOffset(
                    f"Out of order offsets found in append to {self.topic_partition}",
                    header.base_offset,
                    header.last_offset,
                )
            last_offset = header.last_offset

    def _check_fits_segment(self, size_bytes: int) -> None:
        if size_bytes > self._config.segment_bytes:
            raise KafkaError(
                ErrorCode.RECORD_LIST_TOO_LARGE,
                f"Message batch size is {size_bytes} bytes in append to partition {self.topic_partition}, "
                f"which exceeds the maximum configured segment size of {self._config.segment_bytes}.",
            )

    def _write(
        self, records: memoryview, headers: list[BatchHeader], prepared: PreparedAppend | None, now_ms: int
    ) -> None:
        first, last = headers[0], headers[-1]
        last_offset = last.base_offset + last.last_offset_delta
        max_timestamp = first.max_timestamp if first is last else max(each.max_timestamp for each in headers)
        segment = self.segments.active
        try:
            for header in headers:
                if header.partition_leader_epoch != self.leader_epochs.written_epoch:
                    self._assign_epoch(header)
            if segment.should_roll(len(records), last_offset, max_timestamp, self._roll_rules, now_ms):
                segment = self._roll(first.base_offset, now_ms)
            segment.append(records, headers)
        except OSError as error:
            raise self.directory.write_failed(
                error, f"Error while appending records to {self._where()}"
            ) from error
        self.log_end_offset = last_offset + 1
        if prepared is not None:
            self.producers.commit(prepared)
            for completed in prepared.completed:
                if completed.is_aborted:
                    stable_offset = self.producers.last_stable_offset(completed)
                    with self._on_disk(f"Error while appending records to {self._where()}"):
                        segment.transaction_index.append(AbortedTransaction(*completed[:3], stable_offset))
                self.producers.complete(completed)
        self.producers.end_offset = last_offset + 1

    def _assign_epoch(self, header: BatchHeader) -> None:
        if header.magic >= 2:
            if header.partition_leader_epoch >= 0:
                self.leader_epochs.assign(header.partition_leader_epoch, header.base_offset)
        elif self.leader_epochs.earliest is not None:
            # Batches without epochs: followers must go by the high watermark again.
            self.leader_epochs.clear()

    @contextmanager
    def _on_disk(self, what: str) -> Iterator[None]:
        """Raises StorageError if the directory is offline, or goes offline in here because of `what`."""
        self.directory.check_online()
        try:
            yield
        except OSError as error:
            raise self.directory.fail(error, what) from error

    def _where(self) -> str:
        return f"{self.topic_partition} in dir {self.directory.path}"

    def assign_leader_epoch(self, epoch: int, start_offset: int) -> None:
        """A leader of `epoch` was elected when the log ended at `start_offset`. Raises StorageError."""
        with self._on_disk(f"Error while writing leader epochs of {self._where()}"):
            self.leader_epochs.elect(epoch, start_offset)

    def roll(self, now_ms: int) -> None:
        """Starts a new segment at the log's end. Raises StorageError."""
        with self._on_disk(f"Error while rolling log segment for {self._where()}"):
            self._roll(self.log_end_offset, now_ms)

    def _roll(self, first_offset: int, now_ms: int) -> Segment:
        """A new active segment at `first_offset` or, if later, the log's end; flushes the old one soon."""
        base_offset = max(first_offset, self.log_end_offset)
        old = self.segments.active
        if base_offset == old.base_offset:
            # Empty, but full: its indexes have no room for a single entry.
            self._doom(self.segments.remove_since(len(self.segments) - 1))
        else:
            old.seal()
        self._add_segment(base_offset, now_ms)
        self.producers.end_offset = base_offset
        self.snapshots.take(self.producers, sync=False)
        self._environment.flushes.request(self, base_offset)
        return self.segments.active

    def _add_segment(self, base_offset: int, now_ms: int) -> None:
        jitter_ms = 0
        if self._config.segment_jitter_ms:
            jitter_ms = random.randrange(min(self._config.segment_jitter_ms, self._config.segment_ms))
        limits = segment_limits(self._config, jitter_ms)
        self.segments.add(Segment.create(self.path, base_offset, limits, now_ms))

    # Reading

    def read(
        self, start_offset: int, *, max_bytes: int, end_offset: int | None = None, min_one_batch: bool = False
    ) -> LogSlice:
        """Batches of one segment, from the one that holds `start_offset` up to `end_offset` (exclusive).

        Cut at `max_bytes`, in the middle of a batch if need be; with `min_one_batch` the first batch is whole
        however large. Raises KafkaError(OFFSET_OUT_OF_RANGE), StorageError.
        """
        log_end_offset = self.log_end_offset
        if not self.log_start_offset <= start_offset <= log_end_offset:
            raise self._out_of_range(start_offset)
        if end_offset is None or end_offset > log_end_offset:
            end_offset = log_end_offset
        if self.directory.failure is not None:
            self.directory.check_online()
        if start_offset >= end_offset:
            return EMPTY_SLICE
        try:
            slice_ = self.segments.read(
                start_offset, end_offset, log_end_offset, max_bytes, min_one_batch=min_one_batch
            )
        except OSError as error:
            raise self.directory.fail(error, f"Exception while reading from {self._where()}") from error
        return EMPTY_SLICE if slice_ is None else slice_

    def _out_of_range(self, offset: int) -> KafkaError:
        if offset < self.log_start_offset:
            bound = f"starting from offset: {self.log_start_offset}."
        else:
            bound = f"upto {self.log_end_offset}."
        return KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"Received request for offset {offset} for partition {self.topic_partition}, "
            f"but we only have log segments {bound}",
        )

    def offset_for_timestamp(self, timestamp: int, start_offset: int = 0) -> TimestampedOffset | None:
        """The first record from `start_offset` on whose timestamp is at least `timestamp`.

        Raises StorageError, LongSearch.
        """
        start_offset = max(start_offset, self.log_start_offset)
        with self._on_disk(f"Error while fetching offset by timestamp for {self._where()}"):
            return self.segments.find_timestamp(timestamp, start_offset)

    def offset_of_max_timestamp(self) -> TimestampedOffset | None:
        """The first record with the largest timestamp; None in an empty log.

        Raises StorageError, LongSearch.
        """
        with self._on_disk(f"Error while fetching offset by timestamp for {self._where()}"):
            return self.segments.find_max_timestamp()

    def offsets_before(self, timestamp: int, max_count: int, now_ms: int) -> list[int]:
        """Segment start offsets, newest first, for version 0 of ListOffsets. Raises StorageError."""
        with self._on_disk(f"Error while fetching offsets for {self._where()}"):
            end = (self.log_end_offset, now_ms)
            return self.segments.start_offsets_before(timestamp, self.log_start_offset, end)[:max_count]

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(epoch, end offset) of the largest leader epoch not above `epoch`; (-1, -1) unknown."""
        return self.leader_epochs.end_offset_for(epoch, self.log_end_offset)

    @property
    def latest_epoch(self) -> int | None:
        """Of the last batch or election; None before the first."""
        epoch = self.leader_epochs.latest_epoch
        return None if epoch < 0 else epoch

    # Transactions

    @property
    def first_unstable_offset(self) -> int | None:
        """Of the oldest transaction that is open or not known to be replicated; None: all is stable."""
        offset = self.producers.first_unstable_offset
        return None if offset is None else max(offset, self.log_start_offset)

    def on_high_watermark(self, offset: int) -> None:
        """Everything below `offset` is replicated."""
        self.producers.on_high_watermark(offset)

    def aborted_transactions(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Those that overlap [start_offset, end_offset), for a read_committed consumer to skip.

        Raises StorageError.
        """
        with self._on_disk(f"Exception while reading from {self._where()}"):
            return self.segments.aborted_transactions(start_offset, end_offset)

    def upper_bound_offset(self, slice_: LogSlice) -> int:
        """An offset at or past the end of a slice, found without reading it: for `aborted_transactions`."""
        return self.segments.upper_bound_offset(slice_, self.log_end_offset)

    def expire_producers(self, now_ms: int) -> None:
        """Forgets producers that were idle for producer.id.expiration.ms."""
        self.producers.expire(now_ms, self._environment.producer_id_expiration_ms)

    # Flushing

    @property
    def is_flush_due(self) -> bool:
        """Whether `flush.messages` wants what was appended on disk before it is acknowledged."""
        return self.log_end_offset - self.recovery_point >= self._config.flush_messages

    async def flush(self, up_to_offset: int | None = None) -> None:
        """Returns once what is below `up_to_offset` (default: all) is on disk. Raises StorageError."""
        await self._flusher.flush(self.log_end_offset if up_to_offset is None else up_to_offset)

    def flush_soon(self) -> None:
        """Has what is in the log now brought to disk without anybody waiting; `on_flushed` is called then."""
        self._environment.flushes.request(self, self.log_end_offset)

    def flush_job(self) -> FlushJob:
        """What a thread must sync to bring the recovery point to the log's end."""
        segments = self.segments.since(self.recovery_point)
        files = [path for segment in segments for path in segment.file_paths()]
        files += [
            self.snapshots.path(offset)
            for offset in self.snapshots.offsets
            if offset >= segments[0].base_offset
        ]
        files.append(self.leader_epochs.path)
        has_new_segment = any(segment.base_offset >= self.recovery_point for segment in segments)
        return FlushJob(files, self.path if has_new_segment else None)

    async def flush_end(self) -> None:
        """Returns once it is on disk that the log ends where it was cut: power that fails must not bring back
        what was there, in the place of what is written now. Raises StorageError.
        """
        files = [*self.segments.active.file_paths(), self.leader_epochs.path]
        await self._flusher.run(FlushJob(files, self.path))

    @property
    def is_flushing(self) -> bool:
        """Whether a thread is syncing its files, by their names."""
        return self._flusher.is_busy

    def flush_now(self) -> None:
        """Syncs what is not on disk; blocks, so only for a little. Raises StorageError."""
        job = self.flush_job()
        with self._on_disk(f"Error while flushing log for {self._where()}"):
            job.run()
        self.mark_flushed(self.log_end_offset)

    def mark_flushed(self, offset: int) -> None:
        """Everything below `offset` is on disk."""
        if self.recovery_point < offset <= self.log_end_offset:
            self.recovery_point = offset
            if self.on_flushed is not None:
                self.on_flushed()
        self.last_flush_ms = self._environment.clock.now_ms()

    # Truncating and deleting

    def truncate_to(self, offset: int) -> bool:
        """Drops the batch that holds `offset` and all after it; False where there is nothing to drop.

        Raises StorageError.
        """
        if offset < 0:
            raise ValueError(f"Cannot truncate {self.topic_partition} to a negative offset ({offset}).")
        if offset >= self.log_end_offset:
            self.leader_epochs.truncate_from_end(self.log_end_offset)
            return False
        if self.segments[0].base_offset > offset:
            self.truncate_fully_and_start_at(offset)
            return True
        now_ms = self._environment.clock.now_ms()
        with self._on_disk(f"Error while truncating log to offset {offset} for {self._where()}"):
            self._doom(self.segments.remove_since(bisect_right(self.segments.base_offsets, offset)))
            self.segments.active.activate()
            self.segments.active.truncate_to(offset, now_ms)
            self.leader_epochs.truncate_from_end(offset)
            self._set_end(offset)
            self.log_start_offset = min(self.log_start_offset, offset)
            self._rebuild_producers(now_ms)
        return True

    def truncate_fully_and_start_at(self, offset: int, log_start_offset: int | None = None) -> None:
        """Drops everything; the next record gets `offset`. Raises StorageError."""
        now_ms = self._environment.clock.now_ms()
        with self._on_disk(f"Error while truncating the entire log for {self._where()}"):
            self._doom(self.segments.remove_since(0))
            self._add_segment(offset, now_ms)
            self.leader_epochs.clear()
            self.snapshots.delete_all()
            self.snapshots.last_offset = 0
            self.producers.clear(offset)
            self._set_end(offset)
            self.log_start_offset = offset if log_start_offset is None else log_start_offset
            self._rebuild_producers(now_ms)

    def _set_end(self, offset: int) -> None:
        self.log_end_offset = offset
        self.recovery_point = min(self.recovery_point, offset)
        self._flusher.on_truncated(offset)

    def _rebuild_producers(self, now_ms: int) -> None:
        rebuild_producers(
            self.producers,
            self.snapshots,
            list(self.segments),
            log_start_offset=self.log_start_offset,
            end_offset=self.log_end_offset,
            now_ms=now_ms,
            expiration_ms=self._environment.producer_id_expiration_ms,
            had_clean_shutdown=False,
        )

    def advance_log_start_offset(self, offset: int) -> bool:
        """The log starts at `offset` now; False where it does already. `delete_old_segments` frees the space.

        The caller has seen to it that `offset` is not above the high watermark.
        """
        self.directory.check_online()
        if offset <= self.log_start_offset:
            return False
        self.log_start_offset = offset
        self.leader_epochs.truncate_from_start(offset)
        self.producers.on_log_start_offset(offset)
        self.snapshots.last_offset = self.snapshots.latest if self.snapshots.latest is not None else offset
        return True

    def delete_old_segments(self) -> int:
        """Deletes segments that lie wholly before the log's start; how many. Raises StorageError.

        The seam of retention, which will move the log start offset by time and size first.
        """
        count = self.segments.number_of(self.log_start_offset)
        if count:
            with self._on_disk(f"Error while deleting segments for {self._where()}"):
                self._doom(self.segments.remove_before(count))
        return count

    def _doom(self, segments: Sequence[Segment]) -> None:
        """Renames the files of removed segments for their deletion."""
        due_s = self._environment.clock.monotonic() + self._config.file_delete_delay_ms / 1000
        for segment in segments:
            paths = segment.mark_deleted()
            snapshot = self.snapshots.mark_deleted(segment.base_offset)
            if snapshot is not None:
                paths.append(snapshot)
            self.doomed.extend(Doomed(due_s, path) for path in paths)

    # Closing

    def close(self) -> None:
        """Takes a snapshot of the producers and lets the files go; `flush` first. Blocks. Raises OSError."""
        if self.leader_epochs.dirty:
            self.leader_epochs.save()
        self.snapshots.take(self.producers, sync=True)
        for segment in self.segments:
            segment.close()

    def close_files(self) -> None:
        """Lets the files go without writing: the disk has failed, or the log is to be deleted."""
        for segment in self.segments:
            segment.close_files()

    def rename_directory(self, name: str) -> None:
        """Moves the partition's directory within its log directory. Raises StorageError."""
        path = os.path.join(os.path.dirname(self.path), name)
        with self._on_disk(f"Error while renaming dir for {self._where()}"):
            for segment in self.segments:
                segment.file.before_rename()
            os.rename(self.path, path)
        self.path = path
        self.snapshots.directory = path
        self.leader_epochs.path = os.path.join(path, os.path.basename(self.leader_epochs.path))
        for segment in self.segments:
            segment.move_to(path)
