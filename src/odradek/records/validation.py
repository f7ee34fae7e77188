"""What a leader demands of batches before they enter the log, and what it makes of them.

A batch of magic 2 stays opaque: one look at its header, one CRC over its bytes. Its records are read only
for a compacted topic (keys), a topic with `message.timestamp.before.max.ms`, another compression.type than
the producer's, and `odradek.validate.records=full`; messages of magic 0 and 1 are converted. Kafka also reads
each record of each batch, so that a producer with a valid CRC over a malformed record is refused there and
not here.

Kafka: LogValidator, UnifiedLog.analyzeAndValidateRecords, ProduceRequest.validateRecords.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import field
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import (
    ATTRIBUTES_OFFSET,
    COMPRESSION_MASK,
    HEADER,
    HEADER_SIZE_BYTES,
    LEGACY_OVERHEAD_BYTES,
    MAGIC_OFFSET,
    MAX_RECORDS,
    NO_TIMESTAMP,
    PREFIX,
    PREFIX_SIZE_BYTES,
    TIMESTAMP_TYPE_FLAG,
    BatchHeader,
    Buffer,
    TimestampType,
    assign_offsets,
    iter_headers,
    read_header,
)
from odradek.records.builder import LongBatchBuilder, build_batch, write_crc
from odradek.records.compression import Compression, TakesLong
from odradek.records.crc import compute_crc, crc32c
from odradek.records.pieces import ZstdPieces
from odradek.records.record import MAX_INT64, Record, as_int64, read_records
from odradek.records.record_stream import RECORDS_OF_A_BREATH, Skimmed, skim_batch, stream_batch
from odradek.records.window import Breath, drive
from odradek.value_object import value_object

_MAX_RECORD_ERRORS = 1 << 17
"""Of one batch; Kafka lists however many its heap holds, and then fails with the same error. Each is a line
of the answer, and ten kilobytes of gzip may be a million records."""


class AppendOrigin(IntEnum):
    """Who wrote the batches; Kafka's AppendOrigin."""

    REPLICATION = 0
    COORDINATOR = 1
    CLIENT = 2


class RecordError(NamedTuple):
    """Why one record of a batch is refused; `batch_index` counts from 0 within the batch."""

    batch_index: int
    message: str

    def __str__(self) -> str:
        return f"RecordError(batchIndex={self.batch_index}, message='{self.message}')"


class InvalidRecords(KafkaError):
    """A batch refused because of single records; clients of Produce 8 and later are told which (KIP-467)."""

    def __init__(self, code: ErrorCode, message: str, record_errors: tuple[RecordError, ...]) -> None:
        super().__init__(code, message)
        self.record_errors = record_errors


@value_object
class BatchRules:
    """What one topic's configuration asks of the batches appended to it; made once per configuration.

    `partition` only names the log in messages. `compression` None keeps the producer's.
    """

    partition: str
    max_message_bytes: int
    compression: Compression | None = None
    compression_level: int | None = None
    is_compacted: bool = False
    timestamp_type: TimestampType = TimestampType.CREATE_TIME
    timestamp_before_max_ms: int = MAX_INT64
    timestamp_after_max_ms: int = MAX_INT64
    validate_records: bool = False
    reads_records: bool = field(init=False)

    def __post_init__(self) -> None:
        bounds_each_record = (
            self.timestamp_type is TimestampType.CREATE_TIME and self.timestamp_before_max_ms != MAX_INT64
        )
        object.__setattr__(
            self, "reads_records", self.is_compacted or self.validate_records or bounds_each_record
        )


class ValidBatch(NamedTuple):
    """One batch of magic 2 fit to be appended once `assign_offsets` gave it its place.

    `buffer` is writable and exactly the batch: the producer's own bytes unless they had to be rebuilt.
    """

    buffer: memoryview
    header: BatchHeader

    def assign_offsets(self, base_offset: int, leader_epoch: int) -> BatchHeader:
        """Patches both into the bytes, outside the CRC; returns the header as it now stands."""
        return assign_offsets(self.buffer, self.header, base_offset, leader_epoch)


def check_produced(records: Buffer, request_version: int) -> bool:
    """What a Produce request's version demands of a partition's records; False when no whole batch is there.

    Raises KafkaError(INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE). Kafka: ProduceRequest.validateRecords.
    """
    size_bytes = len(records)
    first: BatchHeader | None = None
    try:
        if size_bytes >= HEADER_SIZE_BYTES:
            first = read_header(records)
            if first.size_bytes > size_bytes:
                first = None
        else:
            # A message of an old format fits; of a batch only a part.
            first = next((header for _, header in iter_headers(records)), None)
    except KafkaError:
        if _is_shorter_than_its_header(records):
            return True  # for `validate_for_append` to refuse: Kafka has read no further by now
        raise
    if request_version < 3:
        return first is not None
    if first is None:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Produce requests with version {request_version} must have at least one record batch per "
            "partition",
        )
    if first.magic != 2:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Produce requests with version {request_version} are only allowed to contain record batches "
            "with magic version 2",
        )
    if request_version < 7 and first.compression is Compression.ZSTD:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            f"Produce requests with version {request_version} are not allowed to use ZStandard compression",
        )
    if first.size_bytes != size_bytes and _holds_batch(records, first.size_bytes):
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Produce requests with version {request_version} are only allowed to contain exactly one record "
            "batch per partition",
        )
    return True


def validate_for_append(
    records: Buffer, rules: BatchRules, *, origin: AppendOrigin, now_ms: int
) -> ValidBatch:
    """The one batch that a leader appends for `records`, checked and, where it must be, converted.

    `records` holds at least one whole batch; a writable buffer is patched in place, a read-only one copied.
    Raises KafkaError: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, and
    InvalidRecords (INVALID_RECORD, INVALID_TIMESTAMP) for single records. Raises TakesLong, nothing changed,
    where all is well up to the records and to look at those is for `validate_at_leisure`.
    """
    try:
        header = read_header(records)
    except KafkaError as error:
        raise _unreadable(records, rules, origin, error) from None
    if header.magic < 2:
        return _convert_messages(records, rules, now_ms)
    size_bytes = header.size_bytes
    if origin is AppendOrigin.CLIENT and header.base_offset != 0:
        raise _not_at_zero(header.base_offset, rules)
    view = memoryview(records)
    _check_size_and_crc(view[:size_bytes], header, rules)
    if size_bytes != len(view):
        if _holds_batch(view, size_bytes):
            raise KafkaError(ErrorCode.INVALID_RECORD, "Compressed outer record has more than one batch")
        view = view[:size_bytes]
    if origin is AppendOrigin.CLIENT:
        _check_client_header(header, rules)
    elif header.is_control:
        return ValidBatch(_writable(view), header)

    attributes = header.attributes
    codec = attributes & COMPRESSION_MASK
    is_create_time = rules.timestamp_type is TimestampType.CREATE_TIME
    if (
        # A coordinator gives each record of its own a key and the time, and could not wait for a long look.
        (rules.reads_records and origin is AppendOrigin.CLIENT)
        or codec > Compression.ZSTD
        or (rules.compression is not None and rules.compression != codec)
        or attributes & TIMESTAMP_TYPE_FLAG
        or (is_create_time and header.max_timestamp - now_ms > rules.timestamp_after_max_ms)
    ):
        return _validate_each_record(view, header, rules, now_ms)
    if is_create_time:
        return ValidBatch(_writable(view), header)
    return _stamp(_writable(view), header, TimestampType.LOG_APPEND_TIME, now_ms)


def validate_batches(records: Buffer, partition: object = "") -> list[BatchHeader]:
    """Headers of batches that already have their offsets (a follower's fetch, a recovery), each CRC checked.

    A torn tail is left out. Raises KafkaError(CORRUPT_MESSAGE).
    """
    view = memoryview(records)
    headers: list[BatchHeader] = []
    for position, header in iter_headers(view):
        if compute_crc(view[position : position + header.size_bytes], header.magic) != header.crc:
            raise _corrupt(header, partition)
        headers.append(header)
    return headers


def _is_shorter_than_its_header(records: Buffer) -> bool:
    """Whether there is nothing but a batch of magic 2, and that is too small for one."""
    if len(records) < ATTRIBUTES_OFFSET + 2 or records[MAGIC_OFFSET] != 2:
        return False
    length: int = PREFIX.unpack_from(records)[1]
    is_too_short = LEGACY_OVERHEAD_BYTES[0] <= length < HEADER_SIZE_BYTES - PREFIX_SIZE_BYTES
    return is_too_short and len(records) == PREFIX_SIZE_BYTES + length


def _unreadable(records: Buffer, rules: BatchRules, origin: AppendOrigin, error: KafkaError) -> KafkaError:
    """What Kafka says of a batch that is shorter than its header, at which it looks late."""
    if not _is_shorter_than_its_header(records):
        return error
    base_offset = PREFIX.unpack_from(records)[0]
    if origin is AppendOrigin.CLIENT and base_offset != 0:
        return _not_at_zero(base_offset, rules)
    return error


def _not_at_zero(base_offset: int, rules: BatchRules) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_RECORD,
        f"The baseOffset of the record batch in the append to {rules.partition} should be 0, but it is "
        f"{base_offset}",
    )


def _check_size_and_crc(batch: memoryview, header: BatchHeader, rules: BatchRules) -> None:
    if header.size_bytes > rules.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The record batch size in the append to {rules.partition} is {header.size_bytes} bytes which "
            f"exceeds the maximum configured value of {rules.max_message_bytes}.",
        )
    if header.magic == 2:
        is_valid = crc32c(batch[ATTRIBUTES_OFFSET:]) == header.crc
    else:
        is_valid = compute_crc(batch, header.magic) == header.crc
    if not is_valid or len(batch) < header.size_bytes:
        raise _corrupt(header, rules.partition)


def _check_client_header(header: BatchHeader, rules: BatchRules) -> None:
    """LogValidator.validateBatch for magic 2."""
    count = header.record_count
    if header.last_offset_delta + 1 != count or count <= 0:
        raise KafkaError(ErrorCode.INVALID_RECORD, _count_error(header, rules))
    if header.is_control:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Clients are not allowed to write control records in topic partition {rules.partition}",
        )
    if header.has_producer_id and header.base_sequence < 0:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Invalid sequence number {header.base_sequence} in record batch with producerId "
            f"{header.producer_id} in topic partition {rules.partition}",
        )


def _count_error(header: BatchHeader, rules: BatchRules) -> str:
    offsets = f"[{header.base_offset}, {header.last_offset}]"
    if header.last_offset_delta < 0:
        return f"Batch has an invalid offset range: {offsets} in topic partition {rules.partition}"
    if header.record_count <= 0:
        return (
            f"Invalid reported count for record batch: {header.record_count} in topic partition "
            f"{rules.partition}"
        )
    return (
        f"Inconsistent batch offset range {offsets} and count of records {header.record_count} in topic "
        f"partition {rules.partition}"
    )


def _validate_each_record(
    view: memoryview, header: BatchHeader, rules: BatchRules, now_ms: int
) -> ValidBatch:
    target = header.compression if rules.compression is None else rules.compression
    records = list(read_records(view, header))
    _check_records(records, header.timestamp_type, rules, now_ms)
    if target is not header.compression:
        return _rebuild(records, rules, target, now_ms, header)
    if target is not Compression.NONE:
        for number, record in enumerate(records):
            _check_numbering(record, number)
    max_timestamp = max((record.timestamp for record in records), default=NO_TIMESTAMP)
    return _stamp_in_place(view, header, rules, now_ms, max_timestamp)


def _check_numbering(record: Record | Skimmed, number: int) -> None:
    """Raises KafkaError(UNKNOWN_SERVER_ERROR) unless it is record `number` of its compressed batch.

    Consumers would see several records at one offset. Kafka means to number such records anew, and fails.
    """
    if record.offset != number:
        raise KafkaError(
            ErrorCode.UNKNOWN_SERVER_ERROR, f"Record {number} of a compressed batch is at {record.offset}"
        )


def _stamp_in_place(
    view: memoryview, header: BatchHeader, rules: BatchRules, now_ms: int, max_timestamp: int
) -> ValidBatch:
    if rules.timestamp_type is TimestampType.LOG_APPEND_TIME:
        max_timestamp = now_ms
    return _stamp(_writable(view), header, rules.timestamp_type, max_timestamp)


def validate_at_leisure(
    records: Buffer, rules: BatchRules, *, now_ms: int, zstd: ZstdPieces
) -> Generator[Breath, None, ValidBatch]:
    """What `validate_for_append`, which raised TakesLong, has left: the records, however many and large.

    Of them a piece is in memory at a time. Raises KafkaError as `validate_for_append`.
    """
    header = read_header(records)
    if header.magic < 2:
        return (yield from _convert_messages_at_leisure(memoryview(records), rules, now_ms, zstd))
    view = memoryview(records)[: header.size_bytes]
    codec = header.compression
    target = codec if rules.compression is None else rules.compression
    checks = _RecordChecks(header.timestamp_type, rules, now_ms)
    if target is codec:
        max_timestamp = NO_TIMESTAMP
        count = 0
        misnumbered: tuple[Skimmed, int] | None = None
        for skimmed in skim_batch(view, header, zstd=zstd):
            if skimmed is None:
                yield None
                continue
            checks.check(skimmed, has_key=skimmed.key_bytes >= 0)
            max_timestamp = max(max_timestamp, skimmed.timestamp)
            if skimmed.offset != count and misnumbered is None:
                misnumbered = skimmed, count
            count += 1
        checks.finish()
        if misnumbered is not None and codec is not Compression.NONE:
            _check_numbering(*misnumbered)
        return _stamp_in_place(view, header, rules, now_ms, max_timestamp)
    builder = LongBatchBuilder(target, level=rules.compression_level, most_bytes=rules.max_message_bytes)
    for record in stream_batch(view, header, zstd=zstd):
        if record is None:
            yield None
            continue
        checks.check(record, has_key=record.key is not None)
        builder.append(record)
    checks.finish()
    return _finish(builder, header, rules, now_ms)


def _finish(builder: LongBatchBuilder, source: BatchHeader, rules: BatchRules, now_ms: int) -> ValidBatch:
    is_stamped = rules.timestamp_type is TimestampType.LOG_APPEND_TIME
    batch = builder.finish(source, log_append_time_ms=now_ms if is_stamped else None)
    _check_rebuilt(builder.size_bytes, rules)
    return ValidBatch(memoryview(batch), read_header(batch))


def _convert_messages_at_leisure(
    view: memoryview, rules: BatchRules, now_ms: int, zstd: ZstdPieces
) -> Generator[Breath, None, ValidBatch]:
    """As `_convert_messages`, of a set whose messages are not all in memory, nor all within one breath."""
    first = read_header(view)
    source = yield from _check_messages(view, rules)
    target = source if rules.compression is None else rules.compression
    builder = LongBatchBuilder(target, level=rules.compression_level, most_bytes=rules.max_message_bytes)
    for number, (position, header) in enumerate(iter_headers(view)):
        if not number % RECORDS_OF_A_BREATH:
            yield None
        _check_magic(header, first, rules)
        checks = _RecordChecks(header.timestamp_type, rules, now_ms)
        for record in stream_batch(view[position : position + header.size_bytes], header, zstd=zstd):
            if record is None:
                yield None
                continue
            checks.check(record, has_key=record.key is not None)
            builder.append(record)
        checks.finish()
    return _finish(builder, first, rules, now_ms)


def _check_messages(view: memoryview, rules: BatchRules) -> Generator[Breath, None, Compression]:
    """The codec of a set of messages of magic 0 or 1, each of which has a fit size and checksum."""
    source = Compression.NONE
    count = 0
    for count, (position, header) in enumerate(iter_headers(view), start=1):
        _check_size_and_crc(view[position : position + header.size_bytes], header, rules)
        source = header.compression or source
        if not count % RECORDS_OF_A_BREATH:
            yield None
    if source is not Compression.NONE and count > 1:
        raise KafkaError(ErrorCode.INVALID_RECORD, "Compressed outer record has more than one batch")
    return source


def _check_magic(header: BatchHeader, first: BatchHeader, rules: BatchRules) -> None:
    if header.magic != first.magic:
        raise KafkaError(
            ErrorCode.INVALID_RECORD,
            f"Batch magic {header.magic} is not the same as the first batch's magic byte {first.magic} "
            f"in topic partition {rules.partition}",
        )


def _convert_messages(records: Buffer, rules: BatchRules, now_ms: int) -> ValidBatch:
    """One batch of magic 2 out of a producer's messages of magic 0 or 1.

    Raises TakesLong for more than MAX_RECORDS: a request may hold some millions.
    """
    view = memoryview(records)
    entries = list(islice(iter_headers(view), MAX_RECORDS + 1))
    if len(entries) > MAX_RECORDS:
        raise TakesLong
    first = entries[0][1]
    source = drive(_check_messages(view, rules))
    messages: list[Record] = []
    for position, header in entries:
        _check_magic(header, first, rules)
        entry = list(read_records(view[position : position + header.size_bytes], header))
        _check_records(entry, header.timestamp_type, rules, now_ms)
        messages += entry
    target = source if rules.compression is None else rules.compression
    return _rebuild(messages, rules, target, now_ms, first)


def _rebuild(
    records: Iterable[Record], rules: BatchRules, target: Compression, now_ms: int, source: BatchHeader
) -> ValidBatch:
    """A new batch of the same records, their offsets counting from 0."""
    batch = build_batch(
        _numbered(records),
        compression=target,
        compression_level=rules.compression_level,
        timestamp_type=rules.timestamp_type,
        log_append_time_ms=now_ms,
        producer_id=source.producer_id,
        producer_epoch=source.producer_epoch,
        base_sequence=source.base_sequence,
        is_transactional=source.is_transactional,
    )
    _check_rebuilt(len(batch), rules)
    return ValidBatch(memoryview(batch), read_header(batch))


def _check_rebuilt(size_bytes: int, rules: BatchRules) -> None:
    if size_bytes > rules.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"Message batch size is {size_bytes} bytes in append topartition {rules.partition} which exceeds "
            f"the maximum configured size of {rules.max_message_bytes}.",
        )


def _numbered(records: Iterable[Record]) -> Iterator[Record]:
    for offset, record in enumerate(records):
        yield Record(offset, record.timestamp, record.key, record.value, record.headers)


def _check_records(
    records: Iterable[Record], stamped_by: TimestampType, rules: BatchRules, now_ms: int
) -> None:
    checks = _RecordChecks(stamped_by, rules, now_ms)
    for record in records:
        checks.check(record, has_key=record.key is not None)
    checks.finish()


class _RecordChecks:
    """What is wrong with the records of one batch, one after the other."""

    __slots__ = ("_code", "_count", "_errors", "_now_ms", "_rules", "_stamped_by")

    def __init__(self, stamped_by: TimestampType, rules: BatchRules, now_ms: int) -> None:
        self._stamped_by = stamped_by
        self._rules = rules
        self._now_ms = now_ms
        self._count = 0
        self._errors: list[RecordError] = []
        self._code = ErrorCode.INVALID_RECORD

    def check(self, record: Record | Skimmed, *, has_key: bool) -> None:
        """Raises KafkaError(UNKNOWN_SERVER_ERROR) for more that is wrong than an answer can hold."""
        rules = self._rules
        if rules.is_compacted and not has_key:
            message: str | None = (
                "Compacted topic cannot accept message without key in topic partition " + rules.partition
            )
        else:
            message = _timestamp_error(record, self._stamped_by, rules, self._now_ms)
            if message is not None:
                self._code = ErrorCode.INVALID_TIMESTAMP
        if message is not None:
            if len(self._errors) == _MAX_RECORD_ERRORS:
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "More record errors than memory holds")
            self._errors.append(RecordError(self._count, message))
        self._count += 1

    def finish(self) -> None:
        """Raises InvalidRecords if anything is wrong."""
        errors = self._errors
        if not errors:
            return
        if self._code is ErrorCode.INVALID_TIMESTAMP:
            message = "One or more records have been rejected due to invalid timestamp"
        else:
            shown = ", ".join(str(error) for error in errors[:3])
            message = (
                f"One or more records have been rejected due to {len(errors)} record errors in total, and "
                f"only showing the first three errors at most: [{shown}]"
            )
        raise InvalidRecords(self._code, message, tuple(errors))


def _timestamp_error(
    record: Record | Skimmed, stamped_by: TimestampType, rules: BatchRules, now_ms: int
) -> str | None:
    if rules.timestamp_type is TimestampType.CREATE_TIME and record.timestamp != NO_TIMESTAMP:
        age_ms = as_int64(now_ms - record.timestamp)
        if age_ms > rules.timestamp_before_max_ms or -age_ms > rules.timestamp_after_max_ms:
            earliest = as_int64(now_ms - rules.timestamp_before_max_ms)
            latest = as_int64(now_ms + rules.timestamp_after_max_ms)
            return (
                f"Timestamp {record.timestamp} of message with offset {record.offset} is out of range. The "
                f"timestamp should be within [{earliest}, {latest}]"
            )
        return None
    if stamped_by is TimestampType.LOG_APPEND_TIME:
        return (
            f"Invalid timestamp type in message {_describe(record)}. Producer should not set timestamp type "
            "to LogAppendTime."
        )
    return None


def _describe(record: Record | Skimmed) -> str:
    """DefaultRecord.toString, which is part of an error message."""
    if isinstance(record, Skimmed):
        key_bytes, value_bytes = max(record.key_bytes, 0), max(record.value_bytes, 0)
    else:
        key_bytes, value_bytes = len(record.key or b""), len(record.value or b"")
    return (
        f"DefaultRecord(offset={record.offset}, timestamp={record.timestamp}, key={key_bytes} bytes, "
        f"value={value_bytes} bytes)"
    )


def _stamp(
    batch: memoryview, header: BatchHeader, stamped_by: TimestampType, max_timestamp: int
) -> ValidBatch:
    """Sets timestamp type and max timestamp; the CRC covers both, so it is computed anew when they change."""
    attributes = header.attributes & ~TIMESTAMP_TYPE_FLAG
    if stamped_by is TimestampType.LOG_APPEND_TIME:
        attributes |= TIMESTAMP_TYPE_FLAG
    if attributes == header.attributes and max_timestamp == header.max_timestamp:
        return ValidBatch(batch, header)
    header = header._replace(attributes=attributes, max_timestamp=max_timestamp)
    HEADER.pack_into(batch, 0, *header)
    write_crc(batch)
    return ValidBatch(batch, read_header(batch))


def _holds_batch(buffer: Buffer, position: int) -> bool:
    """Whether another whole batch begins at `position`."""
    for _ in iter_headers(memoryview(buffer)[position:]):
        return True
    return False


def _writable(view: memoryview) -> memoryview:
    return memoryview(bytearray(view)) if view.readonly else view


def _corrupt(header: BatchHeader, partition: object) -> KafkaError:
    return KafkaError(
        ErrorCode.CORRUPT_MESSAGE,
        f"Record is corrupt (stored crc = {header.crc}) in topic partition {partition}.",
    )
