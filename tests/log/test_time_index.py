import pytest

from odradek.log.time_index import TimeIndex

BASE = 1000


def index(path, *entries, max_size_bytes=120):
    made = TimeIndex(path / "timeindex", BASE, max_size_bytes)
    made.create()
    for timestamp, offset in entries:
        made.maybe_append(timestamp, offset)
    return made


def test_the_file_is_pairs_of_timestamp_and_relative_offset(tmp_path):
    index(tmp_path, (5, 1003))
    assert (tmp_path / "timeindex").read_bytes().hex() == "000000000000000500000003"


def test_only_a_larger_timestamp_is_added(tmp_path):
    made = index(tmp_path, (5, 1003), (5, 1007), (4, 1009), (6, 1011))
    assert [made.entry(number) for number in range(made.count)] == [(5, 1003), (6, 1011)]


def test_records_without_timestamps_add_nothing(tmp_path):
    made = index(tmp_path, (-1, 1003))
    assert made.count == 0
    assert made.last_entry() == (-1, BASE)


@pytest.mark.parametrize(
    ("timestamp", "entry"), [(4, (-1, BASE)), (5, (5, 1003)), (8, (5, 1003)), (9, (9, 1011)), (99, (9, 1011))]
)
def test_a_lookup_finds_the_last_entry_not_above(tmp_path, timestamp, entry):
    assert index(tmp_path, (5, 1003), (9, 1011)).lookup(timestamp) == entry


@pytest.mark.parametrize(
    ("offset", "last"), [(1003, (-1, BASE)), (1004, (5, 1003)), (1011, (5, 1003)), (1012, (9, 1011))]
)
def test_truncation_drops_entries_at_or_above(tmp_path, offset, last):
    made = index(tmp_path, (5, 1003), (9, 1011))
    made.truncate_to(offset)
    assert made.last_entry() == last


def test_one_slot_is_kept_for_closing(tmp_path):
    assert not index(tmp_path, (5, 1003), max_size_bytes=36).is_full
    assert index(tmp_path, (5, 1003), (6, 1004), max_size_bytes=36).is_full


def test_an_index_with_a_tail_of_zeros_is_noticed(tmp_path):
    index(tmp_path, (5, 1003))
    with open(tmp_path / "timeindex", "ab") as file:
        file.write(bytes(24))
    assert "earlier timestamp" in (TimeIndex(tmp_path / "timeindex", BASE, 120).problem() or "")
