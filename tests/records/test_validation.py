"""What a leader accepts, what it makes of it, and the errors and messages that clients see."""

from dataclasses import replace
from struct import pack_into

import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import (
    ATTRIBUTES_OFFSET,
    HEADER,
    TimestampType,
    iter_headers,
    read_header,
)
from odradek.records.builder import build_batch, write_crc
from odradek.records.compression import Compression
from odradek.records.crc import compute_crc
from odradek.records.record import Record, read_records
from odradek.records.validation import (
    AppendOrigin,
    BatchRules,
    InvalidRecords,
    ValidBatch,
    check_produced,
    validate_batches,
    validate_for_append,
)
from tests.records.golden_batches import LEGACY_CODECS, expected_records, golden

RULES = BatchRules("t-0", max_message_bytes=1_000_000)
NOW_MS = 1_700_000_000_000
RECORDS = [Record(i, NOW_MS + i, b"key", b"value") for i in range(3)]


def validate(
    records: bytes | bytearray, rules: BatchRules = RULES, origin: AppendOrigin = AppendOrigin.CLIENT
) -> ValidBatch:
    return validate_for_append(records, rules, origin=origin, now_ms=NOW_MS)


def refusal(
    records: bytes | bytearray, rules: BatchRules = RULES, origin: AppendOrigin = AppendOrigin.CLIENT
) -> KafkaError:
    with pytest.raises(KafkaError) as refused:
        validate(records, rules, origin)
    return refused.value


def with_header(batch: bytearray, **fields: int) -> bytearray:
    """The same batch with other header fields and a checksum to match."""
    HEADER.pack_into(batch, 0, *read_header(batch)._replace(**fields))
    write_crc(batch)
    return batch


def test_a_batch_stays_where_it_is():
    batch = build_batch(RECORDS)
    valid = validate(batch)
    assert valid.buffer.obj is batch
    assert valid.assign_offsets(50, 7).last_offset == 52
    header = read_header(batch)
    assert (header.base_offset, header.partition_leader_epoch) == (50, 7)
    assert header.crc == compute_crc(batch, 2)


def test_a_read_only_batch_is_copied():
    batch = bytes(build_batch(RECORDS))
    validate(batch).assign_offsets(50, 7)
    assert read_header(batch).base_offset == 0


def test_a_torn_second_batch_is_trimmed():
    batch = build_batch(RECORDS)
    assert validate(batch + batch[:-1]).buffer == batch


def test_a_second_batch_is_refused():
    batch = build_batch(RECORDS)
    error = refusal(batch + batch)
    assert error.code == ErrorCode.INVALID_RECORD
    assert error.message == "Compressed outer record has more than one batch"


def test_a_flipped_bit_is_corrupt():
    batch = build_batch(RECORDS)
    crc = read_header(batch).crc
    for position in (ATTRIBUTES_OFFSET + 1, len(batch) - 1):
        broken = bytearray(batch)
        broken[position] ^= 0x10
        error = refusal(broken)
        assert error.code == ErrorCode.CORRUPT_MESSAGE
        assert error.message == f"Record is corrupt (stored crc = {crc}) in topic partition t-0."


def test_a_batch_beyond_max_message_bytes_is_refused():
    batch = build_batch(RECORDS)
    rules = BatchRules("t-0", max_message_bytes=len(batch))
    validate(batch, rules)
    error = refusal(batch, replace(rules, max_message_bytes=len(batch) - 1))
    assert error.code == ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("length", "base_offset", "code"),
    [
        (39, 0, ErrorCode.CORRUPT_MESSAGE),
        (48, 0, ErrorCode.CORRUPT_MESSAGE),
        (39, 5, ErrorCode.INVALID_RECORD),
        (48, 5, ErrorCode.INVALID_RECORD),
    ],
)
def test_a_batch_shorter_than_its_header_is_refused_for_its_base_offset_first(length, base_offset, code):
    batch = build_batch(RECORDS)[: 12 + length]
    pack_into(">qi", batch, 0, base_offset, length)
    assert check_produced(batch, 9)
    assert refusal(batch).code == code
    assert refusal(batch + bytes(50)).code == ErrorCode.CORRUPT_MESSAGE


def test_a_clients_base_offset_must_be_zero():
    batch = build_batch([replace(record, offset=record.offset + 5) for record in RECORDS], base_offset=5)
    error = refusal(batch)
    assert error.code == ErrorCode.INVALID_RECORD
    assert error.message == "The baseOffset of the record batch in the append to t-0 should be 0, but it is 5"
    validate(batch, origin=AppendOrigin.COORDINATOR)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"last_offset_delta": -1}, "Batch has an invalid offset range: [0, -1] in topic partition t-0"),
        ({"record_count": 0}, "Invalid reported count for record batch: 0 in topic partition t-0"),
        (
            {"record_count": 4},
            "Inconsistent batch offset range [0, 2] and count of records 4 in topic partition t-0",
        ),
        (
            {"attributes": 0x20},
            "Clients are not allowed to write control records in topic partition t-0",
        ),
        (
            {"producer_id": 9, "producer_epoch": 0},
            "Invalid sequence number -1 in record batch with producerId 9 in topic partition t-0",
        ),
    ],
)
def test_what_a_client_may_not_claim(fields, message):
    error = refusal(with_header(build_batch(RECORDS), **fields))
    assert (error.code, error.message) == (ErrorCode.INVALID_RECORD, message)


def test_log_append_time_is_stamped_over_the_producers():
    rules = replace(RULES, timestamp_type=TimestampType.LOG_APPEND_TIME)
    valid = validate(build_batch(RECORDS), rules)
    assert valid.header.max_timestamp == NOW_MS
    assert valid.header.crc == compute_crc(valid.buffer, 2)
    assert {record.timestamp for record in read_records(valid.buffer)} == {NOW_MS}


def test_a_producer_may_not_claim_log_append_time():
    batch = build_batch(RECORDS, timestamp_type=TimestampType.LOG_APPEND_TIME, log_append_time_ms=NOW_MS)
    error = refusal(batch, replace(RULES, timestamp_type=TimestampType.LOG_APPEND_TIME))
    assert error.code == ErrorCode.INVALID_TIMESTAMP
    assert isinstance(error, InvalidRecords)
    assert [record.batch_index for record in error.record_errors] == [0, 1, 2]
    assert error.message == "One or more records have been rejected due to invalid timestamp"


def test_records_too_far_in_the_future_are_named():
    rules = replace(RULES, timestamp_after_max_ms=1)
    error = refusal(build_batch(RECORDS), rules)
    assert error.code == ErrorCode.INVALID_TIMESTAMP
    assert isinstance(error, InvalidRecords)
    [record] = error.record_errors
    assert record.batch_index == 2
    assert record.message == (
        f"Timestamp {NOW_MS + 2} of message with offset 2 is out of range. The timestamp should be within "
        f"[{NOW_MS - 2**63 + 1}, {NOW_MS + 1}]"
    )


def test_records_too_far_in_the_past_are_named():
    rules = replace(RULES, timestamp_before_max_ms=10)
    error = refusal(build_batch([Record(0, NOW_MS, b"", b""), Record(1, NOW_MS - 11, b"", b"")]), rules)
    assert isinstance(error, InvalidRecords)
    [record] = error.record_errors
    assert record.batch_index == 1
    assert record.message.endswith(f"within [{NOW_MS - 10}, {NOW_MS + 2**63 - 1 - 2**64}]")


def test_records_of_a_compacted_topic_need_keys():
    batch = build_batch([Record(0, NOW_MS, b"k", b""), *[Record(i, NOW_MS, None, b"") for i in range(1, 5)]])
    error = refusal(batch, replace(RULES, is_compacted=True))
    text = "Compacted topic cannot accept message without key in topic partition t-0"
    assert error.code == ErrorCode.INVALID_RECORD
    assert isinstance(error, InvalidRecords)
    assert [record.batch_index for record in error.record_errors] == [1, 2, 3, 4]
    assert error.message == (
        "One or more records have been rejected due to 4 record errors in total, and only showing the first "
        f"three errors at most: [RecordError(batchIndex=1, message='{text}'), RecordError(batchIndex=2, "
        f"message='{text}'), RecordError(batchIndex=3, message='{text}')]"
    )


def test_malformed_records_pass_unless_all_are_read():
    batch = build_batch(RECORDS)
    batch[-1] = 0x7E
    write_crc(batch)
    validate(batch)
    assert refusal(batch, replace(RULES, validate_records=True)).code == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("source", Compression)
@pytest.mark.parametrize("target", Compression)
def test_a_topics_own_compression_replaces_the_producers(source, target):
    batch = build_batch(
        RECORDS, compression=source, producer_id=4, producer_epoch=1, base_sequence=8, is_transactional=True
    )
    valid = validate(batch, replace(RULES, compression=target))
    header = valid.header
    assert header.compression is target
    assert list(read_records(valid.buffer)) == RECORDS
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (4, 1, 8)
    assert header.is_transactional
    assert header.crc == compute_crc(valid.buffer, 2)


def test_a_marker_is_not_compressed():
    marker = build_batch(
        [RECORDS[0]], producer_id=1, producer_epoch=0, is_transactional=True, is_control=True
    )
    valid = validate(marker, replace(RULES, compression=Compression.GZIP), AppendOrigin.COORDINATOR)
    assert valid.buffer == marker


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", LEGACY_CODECS)
def test_old_messages_become_the_batch_that_kafka_makes_of_them(magic, codec):
    valid = validate(golden(f"{magic}-{codec}"))
    valid.assign_offsets(100, 9)
    kafkas = golden(f"up-{magic}-{codec}")
    if codec == "none":
        assert valid.buffer == kafkas
    ours, theirs = read_header(valid.buffer), read_header(kafkas)
    assert ours == theirs._replace(batch_length=ours.batch_length, crc=ours.crc)
    expected = [replace(record, headers=()) for record in expected_records(magic, 100)]
    assert list(read_records(valid.buffer)) == list(read_records(kafkas)) == expected


def test_old_messages_are_checked_one_by_one():
    messages = bytearray(golden("1-none"))
    messages[-1] ^= 1
    assert refusal(messages).code == ErrorCode.CORRUPT_MESSAGE


def test_headers_of_a_followers_fetch_are_checked():
    log = golden("2-none") + golden("1-gzip")
    assert validate_batches(log) == [header for _, header in iter_headers(log)]
    assert validate_batches(log[:-1]) == validate_batches(log)[:1]
    broken = bytearray(log)
    broken[-1] ^= 1
    with pytest.raises(KafkaError, match="Record is corrupt") as refused:
        validate_batches(broken)
    assert refused.value.code == ErrorCode.CORRUPT_MESSAGE


def test_what_new_produce_versions_demand():
    batch = bytes(build_batch(RECORDS))
    assert check_produced(batch, 3)
    for records, message in [
        (b"", "must have at least one record batch per partition"),
        (batch[:-1], "must have at least one record batch per partition"),
        (batch[:49], "must have at least one record batch per partition"),
        (batch + batch, "are only allowed to contain exactly one record batch per partition"),
        (golden("1-none"), "are only allowed to contain record batches with magic version 2"),
    ]:
        with pytest.raises(KafkaError) as refused:
            check_produced(records, 9)
        assert refused.value.message == f"Produce requests with version 9 {message}"
        assert refused.value.code == ErrorCode.INVALID_RECORD


def test_zstd_needs_produce_7():
    assert check_produced(golden("2-zstd"), 7)
    with pytest.raises(KafkaError) as refused:
        check_produced(golden("2-zstd"), 6)
    assert refused.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE


def test_old_produce_versions_take_anything_or_nothing():
    assert check_produced(golden("1-none"), 2)
    assert not check_produced(b"", 2)
