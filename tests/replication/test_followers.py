"""How far a log is replicated, as a function of where its followers are."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from odradek.replication.followers import Followers
from odradek.replication.partition_host import PartitionHost

LEADER = 1
LAG_MS = 1000
OTHERS = (2, 3, 4)


class Host:
    """A broker whose clock and knowledge of the living are set by hand."""

    node_id = LEADER
    replica_lag_time_max_ms = LAG_MS

    def __init__(self) -> None:
        self.ms = 10_000
        self.dead: set[int] = set()

    def now_ms(self) -> int:
        return self.ms

    def is_alive(self, node_id: int) -> bool:
        return node_id not in self.dead


def following(*ends: int | None, host: Host | None = None) -> Followers:
    """Followers 2, 3, … that asked for these offsets of a log that ended at 100; None: did not ask."""
    host = host or Host()
    followers = Followers(cast(PartitionHost, host))
    followers.assign([LEADER, *range(2, 2 + len(ends))])
    for follower, end in zip(followers, ends, strict=True):
        if end is not None:
            follower.record_fetch(
                fetch_offset=end, log_start_offset=0, leader_end_offset=100, broker_epoch=1, now_ms=host.ms
            )
    return followers


def test_the_slowest_of_the_isr_counts():
    assert following(90, 70, 80).replicated_offset(100, frozenset((LEADER, 2, 4))) == 80
    assert following(90, 70, 80).replicated_offset(100, frozenset((LEADER,))) == 100
    assert following(90, None).replicated_offset(100, frozenset((LEADER, 2, 3))) == -1


def test_one_that_was_caught_up_lately_counts_too_unless_it_is_dead():
    host = Host()
    followers = following(100, 70, host=host)
    assert followers.replicated_offset(120, frozenset((LEADER,))) == 100
    host.dead = {2}
    assert followers.replicated_offset(120, frozenset((LEADER,))) == 120
    host.dead, host.ms = set(), host.ms + LAG_MS + 1
    assert followers.replicated_offset(120, frozenset((LEADER,))) == 120


def test_who_lags_and_who_is_not_known_any_more():
    host = Host()
    followers = following(100, 70, host=host)
    everyone = frozenset((LEADER, 2, 3, 9))
    assert followers.lagging(everyone, 100) == [3, 9]
    host.ms += LAG_MS + 1
    assert followers.lagging(everyone, 100) == [3, 9]
    assert followers.lagging(everyone, 101) == [2, 3, 9]


def test_the_log_starts_everywhere_where_it_starts_last():
    host = Host()
    followers = following(100, 70, host=host)
    two, three = followers
    two.log_start_offset, three.log_start_offset = 50, 40
    assert followers.low_watermark(60) == 40
    assert followers.low_watermark(30) == 30
    host.dead = {3}
    assert followers.low_watermark(60) == 50
    host.dead = {2, 3}
    assert followers.low_watermark(60) == 60


def test_another_assignment_keeps_what_is_known():
    followers = following(90, 80)
    followers.assign([LEADER, 3, 5])
    assert [(each.node_id, each.log_end_offset) for each in followers] == [(3, 80), (5, -1)]
    followers.clear()
    assert list(followers) == []


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("fetch"), st.sampled_from(OTHERS), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 2 * LAG_MS)),
        st.tuples(st.just("isr"), st.frozensets(st.sampled_from(OTHERS))),
    ),
    max_size=40,
)


@given(steps)
def test_nothing_counts_as_replicated_that_a_member_of_the_isr_lacks(history: list[Any]):
    host = Host()
    followers = following(0, 0, 0, host=host)
    end_offset, isr = 0, frozenset((LEADER, *OTHERS))
    for step in history:
        match step:
            case ("append", count):
                end_offset += count
            case ("fetch", node_id, offset):
                follower = followers.get(node_id)
                assert follower is not None
                follower.record_fetch(
                    fetch_offset=min(offset, end_offset),
                    log_start_offset=0,
                    leader_end_offset=end_offset,
                    broker_epoch=1,
                    now_ms=host.ms,
                )
            case ("wait", ms):
                host.ms += ms
            case ("isr", members):
                isr = frozenset((LEADER, *members))
        replicated = followers.replicated_offset(end_offset, isr)
        held = [each.log_end_offset for each in followers if each.node_id in isr]
        assert replicated <= min([end_offset, *held])
        lagging = followers.lagging(isr, end_offset)
        assert all(each.log_end_offset < end_offset for each in followers if each.node_id in lagging)
