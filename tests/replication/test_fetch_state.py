"""Where a follower cuts its log."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.log.leader_epochs import EpochEntry, LeaderEpochs
from odradek.replication.fetch_state import FetchState, truncation_offset

ID = UUID(int=5)


class Log:
    """The epochs of a follower's log that ends at `log_end_offset`."""

    def __init__(self, log_end_offset: int, *epochs: tuple[int, int]) -> None:
        self.log_end_offset = log_end_offset
        self._epochs = LeaderEpochs("", [EpochEntry(*each) for each in epochs])

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        return self._epochs.end_offset_for(epoch, self.log_end_offset)


STATE = FetchState(7, 3, ID, 2)


@pytest.mark.parametrize(
    ("epoch", "end_offset", "expected"),
    [
        (1, 40, 40),  # ours of epoch 1 goes on longer than the leader's
        (1, 60, 50),  # the leader's goes on longer
        (2, 70, 70),
        (2, 999, 100),  # nothing to cut
        (-1, 30, 30),  # an answer without epochs
        (-1, -1, 7),  # no answer: the high watermark, from where it began
    ],
)
def test_the_logs_part_where_the_shorter_one_ends(epoch, end_offset, expected):
    assert truncation_offset(STATE, epoch, end_offset, Log(100, (1, 0), (2, 50))) == expected


def test_an_epoch_that_we_do_not_know_sends_us_back_to_the_one_before():
    log = Log(100, (1, 0), (5, 50))
    assert truncation_offset(STATE, 4, 80, log) == 50


def test_epochs_before_all_that_we_know():
    assert truncation_offset(STATE, 2, 80, Log(100)) == 80


sizes = st.integers(1, 3)
ELECTED = 99
"""The leader's own epoch, which is newer than all."""


@given(
    st.dictionaries(st.integers(0, 3), sizes),
    st.dictionaries(st.sampled_from((5, 7, 9)), sizes),
    st.dictionaries(st.sampled_from((4, 6, 8)), sizes),
    st.integers(-3, 3),
)
def test_a_follower_keeps_what_it_shares_with_the_leader_and_nothing_else(shared, ours, theirs, longer):
    """An epoch has one leader, so logs with a batch of the same epoch at an offset share all before it."""
    common = _records(shared)
    more = [common[-1]] * abs(longer) if common else []
    follower = common + (more if longer < 0 else []) + _records(ours)
    leader = common + (more if longer > 0 else []) + _records(theirs)
    their_log = Log(len(leader), *_starts(leader), (ELECTED, len(leader)))
    for _ in range(10):
        if not follower:
            break
        epoch, end_offset = their_log.end_offset_for_epoch(follower[-1])
        if epoch == follower[-1] and end_offset >= len(follower):
            break
        our_log = Log(len(follower), *_starts(follower))
        del follower[truncation_offset(STATE, epoch, end_offset, our_log) :]
    assert follower == leader[: len(follower)]
    assert len(follower) >= len(common)


def _records(sizes_of_epochs):
    """The epoch of each record."""
    return [epoch for epoch in sorted(sizes_of_epochs) for _ in range(sizes_of_epochs[epoch])]


def _starts(records):
    return [(epoch, records.index(epoch)) for epoch in sorted(set(records))]


def test_a_log_without_epochs_is_cut_at_its_high_watermark_first():
    state = FetchState.initial(
        log_end_offset=9, high_watermark=4, latest_epoch=None, leader_epoch=3, topic_id=ID
    )
    assert state.is_truncating
    assert state.fetch_offset == 4
    assert not state.is_ready(0)
    assert state.truncated(4, None).is_ready(0)


def test_a_log_with_epochs_is_fetched_at_once():
    state = FetchState.initial(
        log_end_offset=9, high_watermark=4, latest_epoch=2, leader_epoch=3, topic_id=ID
    )
    assert (state.fetch_offset, state.last_fetched_epoch, state.is_ready(0)) == (9, 2, True)


def test_a_delay_that_runs_is_not_prolonged():
    delayed = STATE.delay(10.0, 1.0)
    assert not delayed.is_ready(9.9)
    assert delayed.is_ready(10.0)
    assert delayed.delay(20.0, 5.0) is delayed
    assert delayed.delay(20.0, 11.0).delayed_until == 20.0


def test_a_replica_is_in_sync_once_it_has_the_high_watermark():
    assert not STATE.is_in_sync
    assert not STATE.fetched(8, 9, None).is_in_sync
    assert STATE.fetched(9, 9, None).is_in_sync
    assert STATE.fetched(9, 9, None).last_fetched_epoch == 2
    assert STATE.fetched(9, 9, 3).last_fetched_epoch == 3
