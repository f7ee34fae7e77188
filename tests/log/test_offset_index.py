import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.log.offset_index import OffsetIndex

BASE = 1000


def index(path, *entries, max_size_bytes=80):
    made = OffsetIndex(path / "index", BASE, max_size_bytes)
    made.create()
    for offset, position in entries:
        made.append(offset, position)
    return made


def test_the_file_is_pairs_of_relative_offset_and_position(tmp_path):
    index(tmp_path, (1005, 300), (1009, 700))
    assert (tmp_path / "index").read_bytes().hex() == "000000050000012c00000009000002bc"


@pytest.mark.parametrize(
    ("offset", "position"), [(1000, 0), (1004, 0), (1005, 300), (1008, 300), (1009, 700), (9999, 700)]
)
def test_a_lookup_finds_the_last_entry_not_above(tmp_path, offset, position):
    assert index(tmp_path, (1005, 300), (1009, 700)).lookup(offset) == position


@pytest.mark.parametrize(
    ("position", "offset"), [(0, 1005), (300, 1005), (301, 1009), (700, 1009), (701, None)]
)
def test_an_upper_bound_is_the_first_entry_not_before(tmp_path, position, offset):
    assert index(tmp_path, (1005, 300), (1009, 700)).upper_bound(position) == offset


def test_offsets_must_ascend(tmp_path):
    with pytest.raises(ValueError, match="not above the last"):
        index(tmp_path, (1005, 300), (1005, 400))


def test_an_index_is_full_by_its_configured_size(tmp_path):
    assert not index(tmp_path, (1005, 300), max_size_bytes=16).is_full
    assert index(tmp_path, (1005, 300), (1006, 400), max_size_bytes=16).is_full


@pytest.mark.parametrize(("offset", "left"), [(1000, 0), (1005, 0), (1006, 1), (1009, 1), (1010, 2)])
@pytest.mark.parametrize("frozen", [False, True])
def test_truncation_drops_entries_at_or_above(tmp_path, offset, left, frozen):
    entries = [(1005, 300), (1009, 700)]
    truncated = index(tmp_path, *entries)
    if frozen:
        truncated.freeze()
    truncated.truncate_to(offset)
    assert truncated.count == left
    assert truncated.last_offset == (entries[left - 1][0] if left else BASE)
    assert (tmp_path / "index").stat().st_size == left * 8


def test_a_frozen_index_answers_and_can_be_appended_to_again(tmp_path):
    frozen = index(tmp_path, (1005, 300))
    frozen.freeze()
    assert frozen.lookup(1007) == 300
    frozen.append(1009, 700)
    assert frozen.lookup(1009) == 700
    assert (tmp_path / "index").stat().st_size == 16


def test_an_empty_frozen_index_answers(tmp_path):
    frozen = index(tmp_path)
    frozen.freeze()
    assert frozen.lookup(1007) == 0


def test_a_part_of_an_entry_is_noticed_and_left_out(tmp_path):
    index(tmp_path, (1005, 300))
    with open(tmp_path / "index", "ab") as file:
        file.write(b"\0\0\0")
    reopened = OffsetIndex(tmp_path / "index", BASE, 80)
    assert reopened.size_problem() is not None
    assert reopened.lookup(1009) == 300
    assert reopened.count == 1


def test_an_index_with_a_tail_of_zeros_or_of_another_file_is_noticed(tmp_path):
    assert index(tmp_path, (1005, 300)).problem(301) is None
    assert index(tmp_path, (1005, 300)).problem(300) is not None
    with open(tmp_path / "index", "ab") as file:
        file.write(bytes(16))
    assert OffsetIndex(tmp_path / "index", BASE, 80).problem(301) is not None


@given(st.sets(st.integers(1, 500), min_size=1), st.integers(0, 600))
def test_lookup_agrees_with_a_list(tmp_path_factory, offsets, target):
    entries = [(BASE + offset, number * 10) for number, offset in enumerate(sorted(offsets))]
    made = index(tmp_path_factory.mktemp("index"), *entries)
    expected = [position for offset, position in entries if offset <= BASE + target]
    assert made.lookup(BASE + target) == (expected[-1] if expected else 0)
