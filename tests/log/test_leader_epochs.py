import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.log.leader_epochs import EpochEntry, LeaderEpochs


def epochs(tmp_path, *entries):
    return LeaderEpochs(tmp_path, [EpochEntry(*entry) for entry in entries])


def test_an_assigned_epoch_is_in_the_file(tmp_path):
    cache = LeaderEpochs.load(tmp_path)
    assert (tmp_path / "leader-epoch-checkpoint").read_bytes() == b""
    cache.assign(0, 0)
    cache.assign(2, 11)
    assert (tmp_path / "leader-epoch-checkpoint").read_text() == "0\n2\n0 0\n2 11\n"
    assert LeaderEpochs.load(tmp_path).entries == ((0, 0), (2, 11))


def test_an_election_is_written_with_its_first_batch_but_the_first_election_at_once(tmp_path):
    cache = LeaderEpochs.load(tmp_path)
    cache.elect(0, 0)
    assert (tmp_path / "leader-epoch-checkpoint").read_text() == "0\n1\n0 0\n"
    cache.elect(1, 11)
    assert cache.latest_epoch == 1
    assert cache.written_epoch != 1
    assert LeaderEpochs.load(tmp_path).entries == ((0, 0),)
    cache.assign(1, 11)
    assert cache.written_epoch == 1
    assert LeaderEpochs.load(tmp_path).entries == ((0, 0), (1, 11))


def test_an_epoch_that_was_cut_is_written_again_with_its_next_batch(tmp_path):
    cache = LeaderEpochs.load(tmp_path)
    cache.assign(0, 0)
    cache.assign(1, 11)
    cache.truncate_from_end(11)
    assert cache.written_epoch not in (0, 1)
    cache.assign(0, 0)
    assert LeaderEpochs.load(tmp_path).entries == ((0, 0),)


def test_an_epoch_that_started_before_is_not_moved(tmp_path):
    cache = epochs(tmp_path, (1, 5))
    cache.assign(1, 9)
    assert cache.entries == ((1, 5),)
    assert not (tmp_path / "leader-epoch-checkpoint").exists()


@pytest.mark.parametrize(
    ("epoch", "offset", "left"),
    [
        (3, 25, ((0, 0), (1, 10), (2, 20), (3, 25))),
        (3, 20, ((0, 0), (1, 10), (3, 20))),
        (3, 10, ((0, 0), (3, 10))),
        (1, 30, ((0, 0), (1, 30))),
        (2, 15, ((0, 0), (1, 10), (2, 15))),
        (0, 5, ((0, 5),)),
    ],
)
def test_entries_that_contradict_a_new_one_are_dropped(tmp_path, epoch, offset, left):
    cache = epochs(tmp_path, (0, 0), (1, 10), (2, 20))
    cache.assign(epoch, offset)
    assert cache.entries == left


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(-1, (-1, -1)), (0, (0, 5)), (1, (1, 10)), (2, (1, 10)), (4, (4, 20)), (5, (5, 99)), (6, (-1, -1))],
)
def test_an_epoch_ends_where_the_next_begins(tmp_path, epoch, expected):
    cache = epochs(tmp_path, (1, 5), (4, 10), (5, 20))
    assert cache.end_offset_for(epoch, 99) == expected


def test_without_epochs_nothing_is_known(tmp_path):
    assert epochs(tmp_path).end_offset_for(0, 99) == (-1, -1)
    assert epochs(tmp_path).latest_epoch == -1


@pytest.mark.parametrize(
    ("end", "left"), [(21, ((1, 5), (4, 10), (5, 20))), (20, ((1, 5), (4, 10))), (10, ((1, 5),)), (0, ())]
)
def test_truncating_the_end_drops_epochs_that_begin_there(tmp_path, end, left):
    cache = epochs(tmp_path, (1, 5), (4, 10), (5, 20))
    cache.truncate_from_end(end)
    assert cache.entries == left
    assert cache.latest_epoch == (left[-1][0] if left else -1)
    assert cache.dirty == (len(left) < 3)


@pytest.mark.parametrize(
    ("start", "left"),
    [
        (0, ((1, 5), (4, 10), (5, 20))),
        (5, ((1, 5), (4, 10), (5, 20))),
        (7, ((1, 7), (4, 10), (5, 20))),
        (10, ((4, 10), (5, 20))),
        (30, ((5, 30),)),
    ],
)
def test_truncating_the_start_moves_the_epoch_that_holds_it(tmp_path, start, left):
    cache = epochs(tmp_path, (1, 5), (4, 10), (5, 20))
    cache.truncate_from_start(start)
    assert cache.entries == left


@given(
    st.lists(
        st.tuples(st.sampled_from(["assign", "end", "start"]), st.integers(0, 8), st.integers(0, 40)),
        max_size=20,
    )
)
def test_entries_always_ascend(operations):
    cache = LeaderEpochs("unused")
    for operation, epoch, offset in operations:
        if operation == "assign":
            cache._assign(EpochEntry(epoch, offset))
        elif operation == "end":
            cache.truncate_from_end(offset)
        else:
            cache.truncate_from_start(offset)
        pairs = list(zip(cache.entries, cache.entries[1:], strict=False))
        assert all(
            left.epoch < right.epoch and left.start_offset < right.start_offset for left, right in pairs
        )


def test_an_epoch_below_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match="invalid partition leader epoch entry"):
        epochs(tmp_path).assign(-1, 0)


def test_clearing_empties_the_file(tmp_path):
    cache = LeaderEpochs.load(tmp_path)
    cache.assign(3, 7)
    cache.clear()
    assert LeaderEpochs.load(tmp_path).entries == ()
    assert cache.latest_epoch == -1
