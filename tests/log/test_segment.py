import errno
import os

import pytest

from odradek.log import segment as segment_module
from odradek.log.segment import RollRules, Segment, SegmentLimits
from odradek.records.batch import HEADER, read_header
from odradek.records.builder import build_batch
from odradek.records.record import Record, read_all_records, read_records
from tests.log.batches import NOW_MS

BASE = 100
GIBIBYTE = 1 << 30
WEEK_MS = 7 * 24 * 60 * 60 * 1000
LIMITS = SegmentLimits(index_interval_bytes=150, index_size_bytes=1024)


def placed(offset, count=1, timestamp=NOW_MS, size=50):
    """A batch that has its offsets."""
    records = [Record(offset + number, timestamp, None, b"v" * size) for number in range(count)]
    return build_batch(records, base_offset=offset)


def segment(path, *batches):
    made = Segment.create(str(path), BASE, LIMITS, NOW_MS)
    for each in batches:
        made.append(each, [read_header(each)])
    return made


def offsets(slice_):
    return [record.offset for record in read_all_records(slice_.view())]


def read(from_segment, offset, max_bytes=10_000, max_position=10_000, min_one_batch=False):
    return from_segment.read(offset, max_bytes, max_position, min_one_batch)


def forget_places(made):
    """As after a restart: nothing is remembered of the last appends."""
    made._recent.clear()


@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize(("offset", "first"), [(100, 100), (101, 100), (102, 102), (104, 103), (0, 100)])
def test_a_read_starts_with_the_batch_that_holds_the_offset(tmp_path, remembered, offset, first):
    made = segment(tmp_path, placed(100, 2), placed(102), placed(103, 3))
    if not remembered:
        forget_places(made)
    assert offsets(read(made, offset))[0] == first


def test_past_the_end_there_is_nothing(tmp_path):
    made = segment(tmp_path, placed(100, 2))
    assert read(made, 102) is None
    assert read(segment(tmp_path), 100) is None


def test_who_reads_batch_by_batch_finds_each_also_what_comes_later(tmp_path):
    made = segment(tmp_path, placed(100, 2), placed(102), placed(105, 3))
    forget_places(made)
    starts = [offsets(read(made, offset, 1, min_one_batch=True))[0] for offset in (100, 102, 103)]
    assert starts == [100, 102, 105]
    assert read(made, 108) is None
    later = placed(108)
    made.append(later, [read_header(later)])
    forget_places(made)
    assert offsets(read(made, 108)) == [108]


def test_where_a_reader_would_go_on_is_forgotten_with_batches_that_were_cut(tmp_path):
    made = segment(tmp_path, placed(100), placed(101), placed(102))
    assert offsets(read(made, 101, 1, min_one_batch=True)) == [101]
    made.truncate_to(101, NOW_MS)
    larger = placed(101, 3, size=90)
    made.append(larger, [read_header(larger)])
    forget_places(made)
    assert offsets(read(made, 102)) == [101, 102, 103]


def test_a_gap_is_read_from_the_batch_after_it(tmp_path):
    made = segment(tmp_path, placed(100), placed(110))
    assert offsets(read(made, 105)) == [110]


def test_a_read_is_cut_where_asked_even_within_a_batch(tmp_path):
    first, second = placed(100), placed(101)
    made = segment(tmp_path, first, second)
    slice_ = read(made, 100, max_bytes=len(first) + 10)
    assert bytes(slice_.view()) == bytes(first + second[:10])
    assert not slice_.is_first_batch_cut
    assert read(made, 100, max_bytes=10).is_first_batch_cut
    assert len(read(made, 100, max_bytes=10, min_one_batch=True)) == len(first)
    assert len(read(made, 100, max_position=len(first))) == len(first)
    assert len(read(made, 101, max_position=len(first), min_one_batch=True)) == 0


def test_an_entry_is_written_once_the_interval_is_over(tmp_path):
    made = segment(tmp_path, *(placed(100 + number) for number in range(6)))
    size = len(placed(100))
    assert 1 * size < LIMITS.index_interval_bytes < 2 * size
    entries = [made.offset_index.entry(number) for number in range(made.offset_index.count)]
    assert entries == [(2, 2 * size), (4, 4 * size)]


def test_the_interval_must_be_passed_not_just_reached(tmp_path):
    size = len(placed(100))
    made = Segment.create(str(tmp_path), BASE, SegmentLimits(size, 1024), NOW_MS)
    for number in range(3):
        made.append(placed(100 + number), [read_header(placed(100 + number))])
    assert made.offset_index.count == 1
    assert made.offset_index.entry(0) == (2, 2 * size)


def test_after_a_truncation_the_interval_begins_anew(tmp_path):
    made = segment(tmp_path, *(placed(100 + number) for number in range(5)))
    made.truncate_to(104, NOW_MS)
    assert made.offset_index.count == 1
    made.append(placed(104), [read_header(placed(104))])
    made.append(placed(105), [read_header(placed(105))])
    assert made.offset_index.count == 1, "as in Kafka, though three batches are not indexed now"


def test_what_was_remembered_of_batches_that_were_cut_is_forgotten(tmp_path):
    made = segment(tmp_path, placed(100), placed(101), placed(102), placed(103))
    made.truncate_to(101, NOW_MS)
    larger = placed(101, 3, size=90)
    made.append(larger, [read_header(larger)])
    assert offsets(read(made, 102)) == [101, 102, 103]


def test_the_time_index_has_the_largest_timestamp_so_far(tmp_path):
    times = (5, 9, 7, 3, 12, 1)
    made = segment(tmp_path, *(placed(100 + number, timestamp=time) for number, time in enumerate(times)))
    assert [made.time_index.entry(number) for number in range(made.time_index.count)] == [(9, 101), (12, 104)]
    made.append(placed(106, timestamp=40), [read_header(placed(106, timestamp=40))])
    made.seal()
    assert made.time_index.last_entry() == (40, 106)


def test_a_segment_rolls_when_it_would_grow_too_large(tmp_path):
    made = segment(tmp_path, placed(100))
    rules = RollRules(made.size_bytes + 100, WEEK_MS)
    assert not made.should_roll(100, 101, NOW_MS, rules, NOW_MS)
    assert made.should_roll(101, 101, NOW_MS, rules, NOW_MS)


def test_it_rolls_by_the_time_between_records(tmp_path):
    made = segment(tmp_path, placed(100, timestamp=NOW_MS))
    rules = RollRules(GIBIBYTE, 1000)
    assert not made.should_roll(10, 101, NOW_MS + 1000, rules, NOW_MS + 99_999)
    assert made.should_roll(10, 101, NOW_MS + 1001, rules, NOW_MS)
    assert not made.should_roll(10, 101, NOW_MS - 5000, rules, NOW_MS + 99_999)


def test_without_timestamps_it_rolls_by_its_age(tmp_path):
    made = segment(tmp_path, placed(100, timestamp=-1))
    rules = RollRules(GIBIBYTE, 1000)
    assert not made.should_roll(10, 101, -1, rules, NOW_MS + 1000)
    assert made.should_roll(10, 101, -1, rules, NOW_MS + 1001)


def test_an_empty_segment_does_not_age(tmp_path):
    assert not segment(tmp_path).should_roll(10, 100, NOW_MS, RollRules(GIBIBYTE, 1), NOW_MS + 99_999)


def test_it_rolls_when_an_index_is_full_or_an_offset_too_far(tmp_path):
    small = Segment.create(str(tmp_path), BASE, SegmentLimits(0, 24), NOW_MS)
    rules = RollRules(GIBIBYTE, WEEK_MS)
    for number in range(2):
        each = placed(100 + number, timestamp=NOW_MS + number)
        small.append(each, [read_header(each)])
    assert small.time_index.is_full
    assert small.should_roll(10, 102, NOW_MS, rules, NOW_MS)
    fresh = segment(tmp_path)
    assert not fresh.should_roll(10, BASE + 2**31 - 1, NOW_MS, rules, NOW_MS)
    assert fresh.should_roll(10, BASE + 2**31, NOW_MS, rules, NOW_MS)


def test_the_first_record_of_a_time_is_found(tmp_path):
    made = segment(
        tmp_path,
        *(placed(100 + 2 * number, 2, timestamp=NOW_MS + number * 10) for number in range(10)),
    )
    assert made.find_timestamp(NOW_MS + 35, 0) == (NOW_MS + 40, 108, -1)
    assert made.find_timestamp(NOW_MS + 40, 0) == (NOW_MS + 40, 108, -1)
    assert made.find_timestamp(NOW_MS, 105) == (NOW_MS + 20, 105, -1)
    assert made.find_timestamp(NOW_MS + 91, 0) is None
    assert made.find_max_timestamp() == (NOW_MS + 90, 118, -1)


def test_producers_that_lie_about_times_do_not_have_a_whole_segment_read(tmp_path, monkeypatch):
    def lying(offset):
        claims = placed(offset, 2, timestamp=NOW_MS)
        HEADER.pack_into(claims, 0, *read_header(claims)._replace(max_timestamp=NOW_MS + 50))
        return claims

    made = segment(tmp_path, *(lying(100 + 2 * number) for number in range(50)))
    read = []

    def counted(batch, header):
        read.append(header.base_offset)
        return read_records(batch, header)

    monkeypatch.setattr(segment_module, "read_records", counted)
    assert made.find_timestamp(NOW_MS + 10, 0) == (NOW_MS + 50, 116, -1)
    assert read == list(range(100, 116, 2))
    read.clear()
    assert made.find_timestamp(NOW_MS, 151) == (NOW_MS, 151, -1)
    assert read == [150]
    read.clear()
    assert made.find_max_timestamp() is None
    assert read == [100]


def test_truncation_drops_the_batch_that_holds_the_offset(tmp_path):
    batches = [placed(100 + 2 * number, 2, timestamp=NOW_MS + number) for number in range(6)]
    made = segment(tmp_path, *batches)
    dropped = made.truncate_to(107, NOW_MS)
    assert dropped == 3 * len(batches[0])
    assert os.stat(made.path).st_size == made.size_bytes == 3 * len(batches[0])
    assert made.next_offset() == 106
    assert made.max_timestamp == NOW_MS + 2
    assert made.offset_index.last_offset < 107


def test_truncating_everything_forgets_when_it_began(tmp_path):
    made = segment(tmp_path, placed(100, timestamp=5))
    made.truncate_to(100, NOW_MS + 7)
    assert (made.size_bytes, made.created_ms, made.rolling_timestamp, made.max_timestamp) == (
        0,
        NOW_MS + 7,
        None,
        -1,
    )


def test_a_view_outlives_truncation_and_new_batches(tmp_path):
    first, second, third = placed(100), placed(101), placed(102)
    made = segment(tmp_path, first, second, third)
    held = read(made, 100)
    seen = held.view()
    made.truncate_to(101, NOW_MS)
    assert os.stat(made.path).st_size == len(first + second + third)
    assert made.next_offset() == 101
    assert Segment.open(str(tmp_path), BASE, LIMITS, NOW_MS).next_offset() == 101, "nor after a crash now"
    assert len(bytes(seen)) == len(first + second + third)
    assert offsets(read(made, 100)) == [100]
    replacement = placed(101, timestamp=NOW_MS + 1)
    made.append(replacement, [read_header(replacement)])
    reopened = Segment.open(str(tmp_path), BASE, LIMITS, NOW_MS)
    assert reopened.next_offset() == 102, "what was cut does not come back after a crash"
    held.release()
    assert os.stat(made.path).st_size == len(first + replacement)


def test_a_slice_keeps_the_file_of_a_deleted_segment_open(tmp_path):
    data = placed(100)
    made = segment(tmp_path, data)
    held = read(made, 100)
    for path in made.mark_deleted():
        os.unlink(path)
    assert os.pread(held.fileno(), len(data), held.position) == bytes(data)
    assert bytes(held.view()) == bytes(data)
    descriptor = held.fileno()
    held.release()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_forgotten_slice_gives_its_lease_back(tmp_path):
    made = segment(tmp_path, placed(100))
    held = read(made, 100)
    assert held.view()
    assert (made.file.leases, made.file.views) == (1, 1)
    del held
    assert (made.file.leases, made.file.views) == (0, 0)


def test_releasing_twice_is_once(tmp_path):
    made = segment(tmp_path, placed(100))
    with read(made, 100) as held:
        held.release()
    assert made.file.leases == 0
    assert len(held) == 0


class FullDisk:
    """os.pwrite that takes `room_bytes` more."""

    def __init__(self, room_bytes):
        self.room_bytes = room_bytes
        self.write = os.pwrite

    def __call__(self, descriptor, data, position):
        taken = min(self.room_bytes, len(data))
        if not taken and len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room_bytes -= taken
        return self.write(descriptor, bytes(data[:taken]), position)


@pytest.mark.parametrize("room_bytes", [0, 1, 60, 117, 118, 125, 126, 137])
def test_a_write_that_does_not_fit_leaves_no_trace(tmp_path, monkeypatch, room_bytes):
    # The third batch is due in both indexes: 118 bytes of data, 8 of offset index, 12 of time index.
    times = (5, 9, 12)
    batches = [placed(100 + number, timestamp=time) for number, time in enumerate(times)]
    made = segment(tmp_path, *batches[:2])
    before = {path: os.stat(path).st_size for path in made.file_paths() if os.path.exists(path)}
    monkeypatch.setattr(os, "pwrite", FullDisk(room_bytes))
    with pytest.raises(OSError, match="No space left"):
        made.append(batches[2], [read_header(batches[2])])
    monkeypatch.undo()
    assert before == {path: os.stat(path).st_size for path in before}
    assert (made.max_timestamp, made.offset_of_max_timestamp) == (9, 101)
    made.append(batches[2], [read_header(batches[2])])
    assert offsets(read(made, 100)) == [100, 101, 102]
    assert made.time_index.last_entry() == (12, 102)


def test_a_write_may_take_several_calls(tmp_path, monkeypatch):
    made = segment(tmp_path)
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, position: write(fd, bytes(data[:7]), position))
    made.append(placed(100), [read_header(placed(100))])
    assert offsets(read(made, 100)) == [100]
