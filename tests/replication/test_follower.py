"""When a follower counts as caught up."""

from odradek.replication.follower import UNKNOWN_OFFSET, Follower

LAG_MS = 30_000


def fetch(follower: Follower, offset: int, leader_end_offset: int, now_ms: int) -> None:
    follower.record_fetch(
        fetch_offset=offset,
        log_start_offset=0,
        leader_end_offset=leader_end_offset,
        broker_epoch=7,
        now_ms=now_ms,
    )


def test_a_fetch_of_the_logs_end_catches_up():
    follower = Follower(2)
    fetch(follower, 10, 10, 1000)
    assert follower.last_caught_up_ms == 1000
    assert (follower.log_end_offset, follower.broker_epoch) == (10, 7)


def test_who_has_read_what_was_there_at_the_last_fetch_was_caught_up_then():
    follower = Follower(2)
    fetch(follower, 0, 10, 1000)
    assert follower.last_caught_up_ms == 0
    fetch(follower, 10, 20, 2000)
    assert follower.last_caught_up_ms == 1000
    fetch(follower, 19, 30, 3000)
    assert follower.last_caught_up_ms == 1000
    fetch(follower, 30, 40, 4000)
    assert follower.last_caught_up_ms == 3000


def test_time_without_being_caught_up_counts_unless_nothing_is_missing():
    follower = Follower(2)
    fetch(follower, 10, 10, 1000)
    assert follower.is_caught_up(11, 1000 + LAG_MS, LAG_MS)
    assert not follower.is_caught_up(11, 1001 + LAG_MS, LAG_MS)
    assert follower.is_caught_up(10, 10**9, LAG_MS)


def test_a_new_leader_gives_members_of_the_isr_time_and_others_none():
    member, other = Follower(2), Follower(3)
    for follower in (member, other):
        fetch(follower, 10, 10, 1000)
        follower.begin_epoch(
            is_new_leader=True, in_sync=follower is member, leader_end_offset=10, now_ms=5000
        )
        assert follower.log_end_offset == UNKNOWN_OFFSET
    assert member.is_caught_up(10, 5000 + LAG_MS, LAG_MS)
    assert not other.is_caught_up(10, 5000 + LAG_MS, LAG_MS)


def test_a_leader_elected_again_knows_what_it_knew():
    follower = Follower(2)
    fetch(follower, 10, 10, 1000)
    follower.begin_epoch(is_new_leader=False, in_sync=False, leader_end_offset=10, now_ms=5000)
    assert (follower.log_end_offset, follower.last_caught_up_ms) == (10, 0)
    fetch(follower, 10, 20, 6000)
    # Having read to the end of before is no news: it was not in sync then.
    assert follower.last_caught_up_ms == 0
