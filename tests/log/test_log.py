import errno
import os
import uuid

import pytest

from odradek.config.log_config import LogConfig
from odradek.errors import KafkaError, StorageError
from odradek.log import flusher
from odradek.log.append_info import UnexpectedAppendOffset
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import read_header
from odradek.records.builder import build_batch
from odradek.records.record import Record, read_all_records
from odradek.records.validation import AppendOrigin
from tests.log.batches import NOW_MS, FixedClock, append, batch, contents, marker, open_log

SMALL = LogConfig(segment_bytes=200, index_interval_bytes=100, file_delete_delay_ms=1000)


def refusal(call):
    with pytest.raises(KafkaError) as caught:
        call()
    return caught.value.code, caught.value.message


def replicated(offset, *values, epoch=0):
    """A batch as a leader sends it to its followers."""
    records = [Record(offset + number, NOW_MS, None, value) for number, value in enumerate(values)]
    return build_batch(records, base_offset=offset, partition_leader_epoch=epoch)


# Appending


def test_a_batch_gets_the_next_offsets(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch([b"a", b"b"]))
    info = log.append_as_leader(batch([b"c"] * 3), leader_epoch=0, now_ms=NOW_MS)
    assert (info.first_offset, info.last_offset, info.next_offset, info.is_duplicate) == (2, 4, 5, False)
    assert (info.log_append_time_ms, info.log_start_offset) == (-1, 0)
    assert (log.log_start_offset, log.log_end_offset) == (0, 5)


def test_the_producers_buffer_is_patched_in_place_and_written_as_it_is(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch([b"first"]))
    sent = batch([b"second"])
    append(log, sent, leader_epoch=7)
    header = read_header(sent)
    assert (header.base_offset, header.partition_leader_epoch) == (1, 7)
    assert (tmp_path / "topic-0" / f"{0:020d}.log").read_bytes().endswith(bytes(sent))


def test_the_broker_stamps_records_where_the_topic_says_so(tmp_path):
    log = open_log(tmp_path / "topic-0", LogConfig(message_timestamp_type="LogAppendTime"))
    info = log.append_as_leader(batch([b"a"], timestamp=5), leader_epoch=0, now_ms=NOW_MS)
    assert info.log_append_time_ms == NOW_MS
    with log.read(0, max_bytes=1000) as slice_:
        assert [record.timestamp for record in read_all_records(slice_.view())] == [NOW_MS]


def test_a_new_configuration_counts_from_the_next_append(tmp_path):
    log = open_log(tmp_path / "topic-0")
    log.config = LogConfig(max_message_bytes=10)
    code, _ = refusal(lambda: append(log, batch([b"a"])))
    assert code == ErrorCode.MESSAGE_TOO_LARGE


def test_a_batch_larger_than_a_segment_is_refused(tmp_path):
    log = open_log(tmp_path / "topic-0", LogConfig(segment_bytes=100))
    assert refusal(lambda: append(log, batch([b"a" * 100]))) == (
        ErrorCode.RECORD_LIST_TOO_LARGE,
        "Message batch size is 170 bytes in append to partition topic-0, which exceeds the maximum "
        "configured segment size of 100.",
    )
    assert log.log_end_offset == 0


def test_a_leader_epoch_is_noted_where_it_begins(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch(), batch(), leader_epoch=0)
    append(log, batch(), leader_epoch=3)
    assert log.leader_epochs.entries == ((0, 0), (3, 2))
    assert log.latest_epoch == 3
    assert log.end_offset_for_epoch(0) == (0, 2)
    assert log.end_offset_for_epoch(3) == (3, 3)


def test_a_retried_batch_is_answered_with_its_first_offsets(tmp_path):
    log = open_log(tmp_path / "topic-0")
    for sequence in range(3):
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=sequence))
    again = batch(producer_id=9, producer_epoch=0, base_sequence=1)
    info = log.append_as_leader(again, leader_epoch=0, now_ms=NOW_MS)
    assert (info.first_offset, info.last_offset, info.is_duplicate) == (1, 1, True)
    assert info.log_append_time_ms == NOW_MS, "as in Kafka: the timestamp of the batch that is there"
    assert log.log_end_offset == 3


def test_a_refused_batch_leaves_no_trace(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, batch(producer_id=9, producer_epoch=0, base_sequence=0))
    code, _ = refusal(
        lambda: append(log, batch([b"a" * 90], producer_id=9, producer_epoch=0, base_sequence=5))
    )
    assert code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert (log.log_end_offset, len(log.segments)) == (1, 1)


def test_the_last_batch_of_a_producer_is_known_again_after_a_restart_and_a_kill(tmp_path):
    def is_known(log, sequence):
        sent = batch(producer_id=9, producer_epoch=0, base_sequence=sequence)
        info = log.append_as_leader(sent, leader_epoch=0, now_ms=NOW_MS)
        return (info.first_offset, info.is_duplicate) == (sequence, True)

    path = tmp_path / "topic-0"
    log = open_log(path)
    for sequence in range(7):
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=sequence))
    log.close()
    restarted = open_log(path)
    assert is_known(restarted, 6)
    code, _ = refusal(lambda: is_known(restarted, 5))
    assert code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    append(restarted, batch(producer_id=9, producer_epoch=0, base_sequence=7))
    assert is_known(restarted, 6)
    restarted.close_files()
    killed = open_log(path, clean=False)
    assert is_known(killed, 7)
    code, _ = refusal(lambda: is_known(killed, 6))
    assert code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    code, _ = refusal(lambda: append(killed, batch(producer_id=9, producer_epoch=0, base_sequence=9)))
    assert code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


# Following


def test_a_follower_writes_what_the_leader_wrote(tmp_path):
    leader, follower = open_log(tmp_path / "a" / "topic-0"), open_log(tmp_path / "b" / "topic-0")
    append(leader, batch([b"a", b"b"]), batch([b"c"], producer_id=3, producer_epoch=0, base_sequence=0))
    append(leader, batch([b"d"]), leader_epoch=2)
    with leader.read(0, max_bytes=10_000) as slice_:
        info = follower.append_as_follower(bytes(slice_.view()))
    assert (info.first_offset, info.last_offset, info.batch_count) == (0, 3, 3)
    assert contents(follower) == contents(leader)
    assert follower.leader_epochs.entries == leader.leader_epochs.entries
    assert follower.producers.producers == leader.producers.producers


def test_a_follower_leaves_out_a_torn_batch(tmp_path):
    log = open_log(tmp_path / "topic-0")
    info = log.append_as_follower(replicated(0, b"a") + replicated(1, b"b")[:-3])
    assert (info.last_offset, log.log_end_offset) == (0, 1)
    assert log.append_as_follower(b"").batch_count == 0


def test_a_follower_takes_gaps_but_nothing_it_has(tmp_path):
    log = open_log(tmp_path / "topic-0")
    log.append_as_follower(replicated(5, b"a"))
    log.append_as_follower(replicated(10, b"b"))
    assert contents(log) == [(5, b"a"), (10, b"b")]
    with pytest.raises(UnexpectedAppendOffset) as caught:
        log.append_as_follower(replicated(10, b"c", b"d"))
    assert (caught.value.first_offset, caught.value.last_offset) == (10, 11)
    with pytest.raises(UnexpectedAppendOffset, match="Out of order"):
        log.append_as_follower(replicated(20, b"c") + replicated(19, b"d"))
    assert log.log_end_offset == 11


def test_a_follower_refuses_damaged_batches(tmp_path):
    damaged = replicated(0, b"a")
    damaged[-1] ^= 1
    log = open_log(tmp_path / "topic-0")
    code, message = refusal(lambda: log.append_as_follower(damaged))
    assert code == ErrorCode.CORRUPT_MESSAGE
    assert message is not None
    assert "topic-0" in message


def test_offsets_too_far_apart_begin_a_new_segment(tmp_path):
    log = open_log(tmp_path / "topic-0")
    log.append_as_follower(replicated(0, b"a"))
    log.append_as_follower(replicated(2**31, b"b"))
    assert list(log.segments.base_offsets) == [0, 2**31]
    assert contents(log) == [(0, b"a"), (2**31, b"b")]


# Rolling


def test_a_full_segment_is_followed_by_one_that_starts_at_the_next_offset(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(
        log,
        *(
            batch([b"%d" % number], producer_id=4, producer_epoch=0, base_sequence=number)
            for number in range(7)
        ),
    )
    assert list(log.segments.base_offsets) == [0, 2, 4, 6]
    assert contents(log) == [(number, b"%d" % number) for number in range(7)]
    assert log.snapshots.offsets == [2, 4, 6]
    names = {name for name in os.listdir(log.path) if name.startswith(f"{2:020d}")}
    assert names == {f"{2:020d}{suffix}" for suffix in (".log", ".index", ".timeindex", ".snapshot")}


def test_a_roll_is_flushed_in_the_background(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, batch(), batch(), batch())
    assert log._environment.flushes._wanted == {log: 2}


def test_an_empty_segment_whose_indexes_hold_nothing_is_made_anew(tmp_path):
    log = open_log(tmp_path / "topic-0", LogConfig(segment_index_bytes=4))
    append(log, batch([b"a"]))
    assert contents(log) == [(0, b"a")]


# Reading


@pytest.mark.parametrize("offset", [-1, 3])
def test_offsets_outside_of_the_log_are_out_of_range(tmp_path, offset):
    log = open_log(tmp_path / "topic-0")
    append(log, batch(), batch())
    assert len(log.read(2, max_bytes=100)) == 0
    code, message = refusal(lambda: log.read(offset, max_bytes=100))
    assert code == ErrorCode.OFFSET_OUT_OF_RANGE
    bound = "starting from offset: 0." if offset < 0 else "upto 2."
    assert message == (
        f"Received request for offset {offset} for partition topic-0, but we only have log segments {bound}"
    )


def test_a_read_ends_below_the_offset_given(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, *(batch([b"%d" % number]) for number in range(5)))

    def offsets(start, end):
        with log.read(start, max_bytes=1000, end_offset=end) as slice_:
            return [record.offset for record in read_all_records(slice_.view())]

    assert offsets(0, 5) == [0, 1]
    assert offsets(0, 1) == [0]
    assert offsets(2, 3) == [2]
    assert offsets(2, 4) == [2, 3]
    assert offsets(4, 99) == [4]
    assert offsets(3, 3) == []
    assert offsets(4, 2) == []


def test_offsets_that_were_compacted_away_are_read_from_the_next_segment(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    log.append_as_follower(replicated(0, b"a"))
    log.append_as_follower(replicated(1, b"b"))
    log.append_as_follower(replicated(10, b"c"))
    assert list(log.segments.base_offsets) == [0, 10]
    with log.read(5, max_bytes=1000) as slice_:
        assert [record.offset for record in read_all_records(slice_.view())] == [10]


def test_records_are_found_by_time(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, *(batch([b"x"], timestamp=NOW_MS + 10 * number) for number in range(6)))
    assert log.offset_for_timestamp(NOW_MS + 31) == (NOW_MS + 40, 4, 0)
    assert log.offset_for_timestamp(NOW_MS + 51) is None
    assert log.offset_of_max_timestamp() == (NOW_MS + 50, 5, 0)
    log.advance_log_start_offset(5)
    assert log.offset_for_timestamp(0) == (NOW_MS + 50, 5, 0)
    assert open_log(tmp_path / "other-0").offset_of_max_timestamp() is None


def test_version_0_of_list_offsets_goes_by_segments(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, *(batch() for _ in range(5)))
    for number, segment in enumerate(log.segments):
        os.utime(segment.path, ns=(0, (NOW_MS + number) * 1_000_000))
    assert log.offsets_before(-1, 10, NOW_MS) == [5, 4, 2, 0]
    assert log.offsets_before(-1, 2, NOW_MS) == [5, 4]
    assert log.offsets_before(-2, 10, NOW_MS) == [0]
    assert log.offsets_before(NOW_MS + 1, 10, NOW_MS + 9) == [2, 0]
    assert log.offsets_before(NOW_MS - 1, 10, NOW_MS + 9) == []


# Transactions


def test_aborted_transactions_are_found_for_a_range(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    for producer_id in (1, 2):
        append(log, batch(producer_id=producer_id, producer_epoch=0, base_sequence=0, is_transactional=True))
    assert log.first_unstable_offset == 0
    append(log, marker(1, is_abort=True), marker(2, is_abort=False), origin=AppendOrigin.COORDINATOR)
    log.on_high_watermark(log.log_end_offset)
    assert log.first_unstable_offset is None
    found = log.aborted_transactions(0, 4)
    assert found == [(1, 0, 2, 1)]
    assert log.aborted_transactions(3, 4) == []
    with log.read(0, max_bytes=10_000) as slice_:
        assert log.upper_bound_offset(slice_) == log.segments.base_offsets[1]
    with log.read(3, max_bytes=10_000) as slice_:
        assert log.upper_bound_offset(slice_) == log.log_end_offset


# Truncating


def test_truncation_takes_back_everything_that_came_after(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    for number in range(7):
        append(
            log,
            batch([b"%d" % number], producer_id=4, producer_epoch=0, base_sequence=number),
            leader_epoch=number // 3,
        )
    assert log.truncate_to(3)
    assert contents(log) == [(0, b"0"), (1, b"1"), (2, b"2")]
    assert list(log.segments.base_offsets) == [0, 2]
    assert log.leader_epochs.entries == ((0, 0),)
    assert log.producers.producers[4].last_sequence == 2
    append(log, batch([b"new"], producer_id=4, producer_epoch=0, base_sequence=3), leader_epoch=1)
    assert contents(log)[-1] == (3, b"new")
    assert not log.truncate_to(4)


async def test_where_a_log_was_cut_is_on_disk_before_anything_is_written_there(tmp_path, monkeypatch):
    synced: list[str] = []
    for name in ("flush_file", "flush_directory"):
        monkeypatch.setattr(flusher, name, synced.append)
    log = open_log(tmp_path / "topic-0", SMALL)
    for number in range(7):
        append(log, batch([b"%d" % number]))
    log.truncate_to(3)
    await log.flush_end()
    assert {log.segments.active.file.path, log.leader_epochs.path, log.path} <= set(synced)
    assert log.segments.active.base_offset == 2


def test_truncating_within_a_batch_drops_the_batch(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch([b"a"]), batch([b"b", b"c", b"d"]))
    log.truncate_to(2)
    assert contents(log) == [(0, b"a")]
    assert log.log_end_offset == 2, "as in Kafka: the end is where it was asked to be"


def test_truncating_before_the_first_segment_starts_anew(tmp_path):
    log = open_log(tmp_path / "topic-0")
    log.truncate_fully_and_start_at(100)
    append(log, batch([b"a"]))
    log.truncate_to(50)
    assert (log.log_start_offset, log.log_end_offset) == (50, 50)
    assert list(log.segments.base_offsets) == [50]


def test_starting_anew_forgets_everything(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, *(batch(producer_id=4, producer_epoch=0, base_sequence=number) for number in range(5)))
    log.truncate_fully_and_start_at(20, log_start_offset=18)
    assert (log.log_start_offset, log.log_end_offset, log.recovery_point) == (18, 20, 0)
    assert log.producers.producers == {}
    assert log.leader_epochs.entries == ()
    append(log, batch([b"new"]))
    assert contents(log) == [(20, b"new")]


def test_starting_anew_where_it_began(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch())
    log.truncate_fully_and_start_at(0)
    append(log, batch([b"new"]))
    assert contents(log) == [(0, b"new")]


def test_the_recovery_point_never_passes_the_end(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch(), batch())
    log.mark_flushed(2)
    log.truncate_to(1)
    assert log.recovery_point == 1


# Deleting


def test_advancing_the_start_hides_records_and_frees_whole_segments(tmp_path):
    clock = FixedClock()
    log = open_log(tmp_path / "topic-0", SMALL, clock=clock)
    append(log, *(batch([b"%d" % number]) for number in range(6)))
    assert log.advance_log_start_offset(3)
    assert not log.advance_log_start_offset(2)
    assert contents(log) == [(3, b"3"), (4, b"4"), (5, b"5")]
    assert log.leader_epochs.entries == ((0, 3),)
    assert log.delete_old_segments() == 1
    assert list(log.segments.base_offsets) == [2, 4]
    assert contents(log) == [(3, b"3"), (4, b"4"), (5, b"5")]
    assert {os.path.basename(doomed.path) for doomed in log.doomed} == {
        f"{0:020d}{suffix}.deleted" for suffix in (".log", ".index", ".timeindex")
    }
    assert {doomed.due_s for doomed in log.doomed} == {clock.monotonic() + 1}


def test_the_active_segment_is_never_deleted(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, *(batch() for _ in range(4)))
    log.advance_log_start_offset(4)
    log.delete_old_segments()
    assert list(log.segments.base_offsets) == [2]
    append(log, batch([b"next"]))
    assert contents(log) == [(4, b"next")]


def test_idle_producers_are_forgotten(tmp_path):
    log = open_log(tmp_path / "topic-0")
    append(log, batch(producer_id=4, producer_epoch=0, base_sequence=0))
    log.expire_producers(NOW_MS + 24 * 60 * 60 * 1000)
    assert log.producers.producers == {}


# Disks


def failing(monkeypatch, error):
    def refuse(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "pwrite", refuse)


def test_a_full_disk_refuses_appends_until_there_is_room(tmp_path, monkeypatch):
    log = open_log(tmp_path / "topic-0")
    append(log, batch([b"a"], producer_id=4, producer_epoch=0, base_sequence=0))
    failing(monkeypatch, errno.ENOSPC)
    with pytest.raises(StorageError, match="Error while appending records to topic-0 in dir"):
        append(log, batch([b"b"], producer_id=4, producer_epoch=0, base_sequence=1))
    monkeypatch.undo()
    assert contents(log) == [(0, b"a")]
    append(log, batch([b"b"], producer_id=4, producer_epoch=0, base_sequence=1))
    assert contents(log) == [(0, b"a"), (1, b"b")]


def test_a_failing_disk_takes_the_directory_offline(tmp_path, monkeypatch):
    log = open_log(tmp_path / "topic-0")
    append(log, batch())
    failing(monkeypatch, errno.EIO)
    with pytest.raises(StorageError):
        append(log, batch())
    monkeypatch.undo()
    assert not log.directory.is_online
    for call in (
        lambda: append(log, batch()),
        lambda: log.read(0, max_bytes=10),
        lambda: log.offset_for_timestamp(0),
        lambda: log.truncate_to(0),
        lambda: log.advance_log_start_offset(1),
        lambda: log.append_as_follower(replicated(1, b"x")),
        lambda: log.assign_topic_id(uuid.uuid4()),
    ):
        assert refusal(call)[0] == ErrorCode.KAFKA_STORAGE_ERROR


def test_a_renamed_directory_is_still_the_logs(tmp_path):
    log = open_log(tmp_path / "topic-0", SMALL)
    append(log, batch([b"a"]), batch([b"b"]))
    held = log.read(0, max_bytes=1000)
    log.rename_directory("topic-0.abc-delete")
    append(log, batch([b"c"]))
    assert contents(log) == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert len(os.pread(held.fileno(), 10, 0)) == 10
    log.close()
    assert not (tmp_path / "topic-0").exists()
    assert open_log(tmp_path / "topic-0.abc-delete", SMALL).log_end_offset == 3


def test_the_topics_id_is_in_partition_metadata(tmp_path):
    log = open_log(tmp_path / "topic-0")
    log.assign_topic_id(uuid.UUID(int=1))
    text = (tmp_path / "topic-0" / "partition.metadata").read_text()
    assert text == "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"
