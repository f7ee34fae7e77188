"""A coordinator is a function of its past: whatever happened, a restart finds what the live one knows."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from odradek.errors import KafkaError
from odradek.groups.commands import (
    CommitOffsets,
    DeleteGroup,
    DeleteOffsets,
    DescribeGroup,
    ExpireOffsets,
    FetchOffsets,
    ForgetPartitions,
    LeaveGroup,
    LeavingMember,
    OffsetToCommit,
)
from odradek.groups.config import GroupConfig
from odradek.groups.group_state import GroupState
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode
from tests.groups.driver import Driver, subscription

PARTITIONS = [TopicPartition(topic, index) for topic in ("t", "u") for index in (0, 1)]
PROTOCOLS = [
    (("range", subscription("t")),),
    (("range", subscription("t", "u")), ("sticky", b"")),
    (("sticky", b""), ("range", b"opaque")),
]
INSTANCES = st.sampled_from([None, "one", "two"])


class Histories(RuleBasedStateMachine):
    """Members that do anything at any time; a journal that commits late or not at all."""

    def __init__(self) -> None:
        super().__init__()
        config = GroupConfig(initial_rebalance_delay_ms=500, max_size=3, offsets_retention_ms=60_000)
        self.driver = Driver(config)
        self.members = [""]

    def _send(self, command: object) -> None:
        with suppress(KafkaError):
            self.driver.send(command)

    @rule(
        member=st.integers(0, 9),
        protocols=st.sampled_from(PROTOCOLS),
        instance=INSTANCES,
        two_step=st.booleans(),
        skips=st.booleans(),
    )
    def join(self, member, protocols, instance, two_step, skips):
        with suppress(KafkaError):
            self.driver.join(
                self.members[member % len(self.members)],
                protocols=protocols,
                group_instance_id=instance,
                require_known_member_id=two_step and instance is None,
                supports_skipping_assignment=skips,
            )
        self._know_members()

    def _know_members(self) -> None:
        group = self.driver.shard.groups.get("g")
        self.members = [""] if group is None else ["", *group.members, *sorted(group.pending_members)]

    @property
    def _exists(self) -> bool:
        return "g" in self.driver.shard.groups

    @rule(member=st.integers(0, 9))
    def sync(self, member):
        if self._exists:
            member_id = self.members[member % len(self.members)]
            parts = {each: b"of " + each.encode() for each in self.members if each}
            with suppress(KafkaError):
                self.driver.sync(member_id, self.driver.ask_generation(), **parts)

    @rule()
    def everybody_joins_and_the_leader_syncs(self):
        """The way to a stable group, which pure chance seldom finds."""
        for member in list(self.driver.shard.groups["g"].members.values()) if self._exists else ():
            with suppress(KafkaError):
                self.driver.join(
                    member.member_id, protocols=member.protocols, group_instance_id=member.group_instance_id
                )
        self.driver.elapse(500)
        self._know_members()
        if self._exists and self.driver.shard.groups["g"].leader_id:
            self.sync(self.members.index(self.driver.shard.groups["g"].leader_id))

    @rule(member=st.integers(0, 9))
    def heartbeat(self, member):
        if self._exists:
            self.driver.heartbeat(self.members[member % len(self.members)], self.driver.ask_generation())

    @rule(member=st.integers(0, 9), instance=INSTANCES)
    def leave(self, member, instance):
        self._send(LeaveGroup("g", (LeavingMember(self.members[member % len(self.members)], instance),)))

    @rule(
        member=st.integers(0, 9),
        partitions=st.lists(st.sampled_from(PARTITIONS), min_size=1, unique=True),
        offset=st.integers(0, 1000),
        retention_ms=st.sampled_from([None, None, 10_000]),
    )
    def commit_offsets(self, member, partitions, offset, retention_ms):
        member_id = self.members[member % len(self.members)]
        generation_id = self.driver.ask_generation() if member_id and self._exists else -1
        offsets = {partition: OffsetToCommit(offset) for partition in partitions}
        self._send(CommitOffsets("g", generation_id, member_id, None, offsets, retention_ms))

    @rule(partitions=st.lists(st.sampled_from(PARTITIONS), min_size=1, unique=True))
    def delete_offsets(self, partitions):
        self._send(DeleteOffsets("g", tuple(partitions)))

    @rule(partitions=st.sets(st.sampled_from(PARTITIONS)))
    def delete_topic(self, partitions):
        self._send(ForgetPartitions(frozenset(partitions)))

    @rule()
    def delete_group(self):
        self._send(DeleteGroup("g"))

    @rule()
    def expire_offsets(self):
        self._send(ExpireOffsets())

    @rule(elapsed_ms=st.sampled_from([1, 500, 4_000, 10_000, 60_000]))
    def elapse(self, elapsed_ms):
        self.driver.elapse(elapsed_ms)

    @rule()
    def hold(self):
        self.driver.hold = True

    @precondition(lambda self: self.driver.hold)
    @rule()
    def commit(self):
        self.driver.hold = False
        self.driver.commit()

    @precondition(lambda self: self.driver.hold)
    @rule(error=st.sampled_from([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_ENOUGH_REPLICAS]))
    def fail(self, error):
        self.driver.hold = False
        self.driver.fail(KafkaError(error))

    @rule()
    def restart(self):
        self.driver = self.driver.restarted()
        self._know_members()

    @invariant()
    def a_restart_finds_what_was_committed(self):
        assert self.driver.restarted().shard.journal == self.driver.shard.journal

    @invariant()
    def a_restart_shows_the_group_as_it_was(self):
        """A stable group, or one that lost all its members; what is on its way is not there yet."""
        group = self.driver.shard.groups.get("g")
        if group is None or self.driver.held or group.generation_id == 0:
            return
        restarted = self.driver.restarted()
        everything = FetchOffsets("g", None)
        assert restarted.ask(everything) == self.driver.ask(everything)
        stored = self.driver.shard.journal.groups.get("g")
        written = stored is not None and stored.generation_id == group.generation_id
        # An empty generation may have been lost, which is no harm; an assignment may not.
        if group.state is GroupState.STABLE or (group.state is GroupState.EMPTY and written):
            again = restarted.shard.groups["g"]
            assert restarted.ask(DescribeGroup("g")) == self.driver.ask(DescribeGroup("g"))
            assert again.leader_id == group.leader_id
            assert again.static_members == group.static_members
            assert again.generation_id == group.generation_id
            if group.members:
                assert again.subscribed_topics == group.subscribed_topics

    @invariant()
    def the_group_is_consistent(self):
        group = self.driver.shard.groups.get("g")
        if group is None:
            return
        assert group.state is not GroupState.DEAD
        assert (group.leader_id in group.members) == bool(group.members)
        statics = {m.group_instance_id: m.member_id for m in group.members.values() if m.is_static}
        assert group.static_members == statics
        assert not group.pending_members & group.members.keys()
        assert group.pending_sync_members <= group.members.keys()
        if group.state is GroupState.EMPTY:
            assert not group.members
        for member in group.members.values():
            waits = member.awaiting_join is not None
            assert not waits or group.state is GroupState.PREPARING_REBALANCE or self.driver.held
            assert member.awaiting_sync is None or group.state is GroupState.COMPLETING_REBALANCE
            expires = self.driver.shard.timers.deadline_ms(("session", "g", member.member_id))
            assert expires is not None or not member.may_expire

    @invariant()
    def whoever_waits_is_answered_in_time(self):
        group = self.driver.shard.groups.get("g")
        if group is not None and group.state is GroupState.PREPARING_REBALANCE:
            assert self.driver.shard.timers.deadline_ms(("join", "g", "")) is not None

    @invariant()
    def nobody_is_answered_twice(self):
        waiting = [
            ticket
            for group in self.driver.shard.groups.values()
            for member in group.members.values()
            for ticket in (member.awaiting_join, member.awaiting_sync)
            if ticket is not None
        ]
        assert not self.driver.replies.keys() & set(waiting)
        assert len(set(waiting)) == len(waiting)


TestHistories = Histories.TestCase


def test_a_leader_is_remembered_even_if_it_is_not_the_oldest_member():
    driver = Driver()
    driver.stable(group_instance_id="one", session_timeout_ms=600_000)
    second = driver.join(group_instance_id="two")
    driver.elapse(60_000)  # a static leader that stays away keeps its place, but not its office
    other = f"m{second}"
    driver.sync(other, 2, **{other: b"o"})
    restarted = driver.restarted().shard.groups["g"]
    assert (restarted.leader_id, list(restarted.members)) == (other, ["m1", other])


@given(st.integers(1, 3))
def test_an_overfull_group_rebalances_when_it_is_loaded(max_size: int):
    driver = Driver()
    driver.stable(members=3)
    driver.config = GroupConfig(initial_rebalance_delay_ms=0, max_size=max_size)
    restarted = driver.restarted()
    state = restarted.ask(DescribeGroup("g")).state
    assert state == ("Stable" if max_size == 3 else "PreparingRebalance")


def test_members_have_their_whole_session_to_find_the_restarted_coordinator():
    driver = Driver()
    [member] = driver.stable()
    driver.elapse(9_000)
    restarted = driver.restarted()
    restarted.elapse(9_999)
    assert restarted.heartbeat(member, 1) == ErrorCode.NONE
