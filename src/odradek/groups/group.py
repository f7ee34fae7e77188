"""A classic group: its members, how they vote, and what generation they are in (Kafka's GroupMetadata).

Owned by its shard. Knows no time-outs and writes no records: `rebalance` and the command modules do.
Nothing here is durable by itself; `snapshot` is what gets written, `restore` what a restart makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from odradek.coordinators.outcome import Ticket
from odradek.errors import KafkaError
from odradek.groups.commands import JoinedMember
from odradek.groups.group_state import GroupState, may_move
from odradek.groups.member import Member, Protocols
from odradek.groups.stored import NO_TIMESTAMP, CommittedOffset, StoredGroup, StoredMember
from odradek.groups.subscription import (
    CONSUMER_PROTOCOL_TYPE,
    UnreadableSubscription,
    subscribed_topics,
)
from odradek.metadata.hash_order import java_hash, java_order, scala_trie_order
from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.error_codes import ErrorCode


class ClassicGroup:
    """One group of the rebalance protocol whose members assign partitions themselves."""

    __slots__ = (
        "current_state_timestamp_ms",
        "generation_id",
        "group_id",
        "initial_join_remaining_ms",
        "leader_id",
        "members",
        "new_member_added",
        "pending_members",
        "pending_offset_commits",
        "pending_sync_members",
        "protocol_name",
        "protocol_type",
        "state",
        "static_members",
        "subscribed_topics",
    )

    def __init__(self, group_id: str, now_ms: int) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.current_state_timestamp_ms = now_ms
        self.generation_id = 0
        self.protocol_type: str | None = None
        self.protocol_name: str | None = None
        self.leader_id: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}  # group.instance.id → member id
        self.pending_members: set[str] = set()  # were told their id (KIP-394), have not joined with it
        self.pending_sync_members: set[str] = set()  # joined this generation, have not asked for their part
        self.new_member_added = False  # since the initial rebalance's delay was last extended
        self.initial_join_remaining_ms: int | None = None  # not None while that delay runs
        self.subscribed_topics: frozenset[str] | None = None  # None: not known, or no consumers
        self.pending_offset_commits: dict[TopicPartition, CommittedOffset] = {}

    # -- state -------------------------------------------------------------------------------------------

    def move_to(self, state: GroupState, now_ms: int) -> None:
        """Enter `state`; a move that Kafka's group cannot make is a bug."""
        assert may_move(self.state, state), f"group {self.group_id}: {self.state} to {state}"
        self.state = state
        self.current_state_timestamp_ms = now_ms

    @property
    def can_rebalance(self) -> bool:
        return may_move(self.state, GroupState.PREPARING_REBALANCE)

    @property
    def is_consumer_group(self) -> bool:
        return self.protocol_type == CONSUMER_PROTOCOL_TYPE

    def start_generation(self, now_ms: int, *, release_4: bool) -> None:
        """Whoever has joined forms the next generation, which is empty without members.

        Raises UnreadableSubscription, and then is still preparing.
        """
        self.generation_id += 1
        self.protocol_name = self.select_protocol(release_4=release_4) if self.members else None
        self.subscribed_topics = self._subscribed_topics()
        self.move_to(GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY, now_ms)
        self.pending_sync_members.clear()

    # -- members -----------------------------------------------------------------------------------------

    def is_leader(self, member_id: str) -> bool:
        return self.leader_id == member_id

    @property
    def awaiting_join_count(self) -> int:
        return sum(member.awaiting_join is not None for member in self.members.values())

    @property
    def has_all_members_joined(self) -> bool:
        return not self.pending_members and all(
            member.awaiting_join is not None for member in self.members.values()
        )

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest that any member asks for."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    def add(self, member: Member) -> None:
        """The first member sets the protocol type and leads."""
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self.static_members
            self.static_members[member.group_instance_id] = member.member_id
        if not self.members:
            self.protocol_type = member.protocol_type
        if self.leader_id is None:
            self.leader_id = member.member_id
        self.members[member.member_id] = member
        self.pending_members.discard(member.member_id)

    def remove(self, member_id: str) -> None:
        """Forget a member, known or pending; the oldest member follows a removed leader."""
        member = self.members.pop(member_id, None)
        if member is not None and member.group_instance_id is not None:
            self.static_members.pop(member.group_instance_id, None)
        if self.is_leader(member_id):
            self.leader_id = next(iter(self.members), None)
        self.pending_members.discard(member_id)
        self.pending_sync_members.discard(member_id)

    def rename_static_member(self, old_member_id: str, new_member_id: str) -> Member:
        """A restarted static member takes its predecessor's place, leadership included."""
        member = self.members[old_member_id]
        assert member.group_instance_id is not None
        # Rebuilt rather than popped and added: the member keeps its place in the order of the group.
        self.members = {
            new_member_id if key == old_member_id else key: value for key, value in self.members.items()
        }
        member.member_id = new_member_id
        self.static_members[member.group_instance_id] = new_member_id
        if old_member_id in self.pending_sync_members:
            # Kafka goes on waiting for the old id, and rebalances when that has not synced in time.
            self.pending_sync_members.remove(old_member_id)
            self.pending_sync_members.add(new_member_id)
        if self.is_leader(old_member_id):
            self.leader_id = new_member_id
        return member

    def update(
        self,
        member: Member,
        protocols: Protocols,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        awaiting_join: Ticket | None,
    ) -> None:
        """A known member has joined again."""
        member.protocols = protocols
        member.rebalance_timeout_ms = rebalance_timeout_ms
        member.session_timeout_ms = session_timeout_ms
        member.awaiting_join = awaiting_join

    def elect_joined_leader(self) -> bool:
        """Keep the leader if it has joined, else choose a member that has; False when there is none."""
        if self.leader_id is None:
            return False
        if self.members[self.leader_id].awaiting_join is not None:
            return True
        joined = next((m for m in self.members.values() if m.awaiting_join is not None), None)
        if joined is None:
            return False
        self.leader_id = joined.member_id
        return True

    def check_member(self, member_id: str, group_instance_id: str | None) -> None:
        """Raises UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when the instance id belongs to another member."""
        if group_instance_id is not None:
            current = self.static_members.get(group_instance_id)
            if current is None:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
            if current != member_id:
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)
        if member_id not in self.members:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)

    # -- protocols ---------------------------------------------------------------------------------------

    def supports_protocols(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Whether somebody who speaks these may join: one of them must be common to all members.

        In a group that all have left while it waits for more, any is.
        """
        if self.state is GroupState.EMPTY:
            return bool(protocol_type) and any(True for _ in names)
        common = self._common_protocols() if self.members else set(names)
        return self.protocol_type == protocol_type and not common.isdisjoint(names)

    def select_protocol(self, *, release_4: bool) -> str:
        """The protocol with most votes among those that every member supports.

        Between two with as many, it is the order of a hash table that decides.
        """
        candidates = self._common_protocols()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        order = java_order if release_4 else scala_trie_order
        return max(order(votes, java_hash), key=votes.__getitem__)

    def _common_protocols(self) -> set[str]:
        # A protocol that a member names twice counts once; Kafka counts it twice and then finds none.
        supported = Counter(name for member in self.members.values() for name in dict(member.protocols))
        return {name for name, count in supported.items() if count == len(self.members)}

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether a member consumes `topic`; True when that is not known."""
        return self.subscribed_topics is None or topic in self.subscribed_topics

    def note_subscriptions(self) -> None:
        """Find out what the members consume; to be called when they or the protocol have changed."""
        try:
            self.subscribed_topics = self._subscribed_topics()
        except UnreadableSubscription:
            self.subscribed_topics = None

    def _subscribed_topics(self) -> frozenset[str] | None:
        if not self.is_consumer_group:
            return None
        if not self.members:
            return frozenset()
        if self.protocol_name is None:
            return None
        topics: set[str] = set()
        for member in self.members.values():
            subscribed = subscribed_topics(member.metadata(self.protocol_name))
            if subscribed is None:
                return None
            topics |= subscribed
        return frozenset(topics)

    # -- views -------------------------------------------------------------------------------------------

    def joined_members(self) -> tuple[JoinedMember, ...]:
        """The members as their leader needs them; the group must have a protocol."""
        assert self.protocol_name is not None
        return tuple(
            JoinedMember(member.member_id, member.group_instance_id, member.metadata(self.protocol_name))
            for member in self.members.values()
        )

    def snapshot(self, assignments: Mapping[str, bytes]) -> StoredGroup:
        """What is written of this generation; `assignments` has an entry for every member."""
        return StoredGroup(
            self.protocol_type or "",
            self.generation_id,
            self.protocol_name,
            self.leader_id,
            self.current_state_timestamp_ms,
            tuple(
                StoredMember(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    member.rebalance_timeout_ms,
                    member.session_timeout_ms,
                    member.metadata(self.protocol_name or ""),
                    assignments[member.member_id],
                )
                for member in self.members.values()
            ),
        )

    @classmethod
    def restore(cls, group_id: str, stored: StoredGroup) -> ClassicGroup:
        """The group as a coordinator finds it that has just loaded its partition."""
        group = cls(group_id, stored.current_state_timestamp_ms)
        group.state = GroupState.STABLE if stored.members else GroupState.EMPTY
        group.generation_id = stored.generation_id
        group.protocol_type = stored.protocol_type or None
        group.protocol_name = stored.protocol_name
        group.leader_id = stored.leader_id
        for member in stored.members:
            group.add(
                Member(
                    member.member_id,
                    member.group_instance_id,
                    member.client_id,
                    member.client_host,
                    member.rebalance_timeout_ms,
                    member.session_timeout_ms,
                    stored.protocol_type,
                    ((stored.protocol_name or "", member.subscription),),
                    member.assignment,
                )
            )
        group.note_subscriptions()
        return group

    @property
    def knows_state_timestamp(self) -> bool:
        """False only for a group restored from a format that did not record it."""
        return self.current_state_timestamp_ms != NO_TIMESTAMP
