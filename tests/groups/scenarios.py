"""What clients of classic groups say, right and wrong: the same for Kafka 3.9.2, Kafka 4.3.0 and us."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.leave_group_request import LeaveGroupRequest, MemberIdentity
from odradek.protocol.generated.list_groups_request import ListGroupsRequest
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_delete_request import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from odradek.protocol.generated.offset_fetch_request import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment
from tests.groups.conversation import Conversation, Pending, Scenario
from tests.groups.driver import subscription


def join(talk: Conversation, member_id: str = "", version: int = 9, **fields: Any) -> Pending:
    request = JoinGroupRequest(
        group_id=talk.group,
        session_timeout_ms=30_000,
        rebalance_timeout_ms=30_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequestProtocol(name="range", metadata=subscription(talk.topic))],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return talk.post(request, version)


def enter(talk: Conversation, version: int = 9, **fields: Any) -> Any:
    """A new dynamic member's two joins; the answer to the second."""
    told = join(talk, version=version, **fields).take()
    return join(talk, told.member_id, version, **fields).take()


def sync(talk: Conversation, member: Any, assignments: dict[str, bytes], **fields: Any) -> Pending:
    request = SyncGroupRequest(
        group_id=talk.group,
        generation_id=member.generation_id,
        member_id=member.member_id,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[SyncGroupRequestAssignment(member_id=k, assignment=v) for k, v in assignments.items()],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return talk.post(request, 5)


def stable(talk: Conversation, **fields: Any) -> Any:
    """The only member of the group, which is stable."""
    member = enter(talk, **fields) if "group_instance_id" not in fields else join(talk, **fields).take()
    sync(talk, member, {member.member_id: b"all"}).take()
    return member


def heartbeat(talk: Conversation, member_id: str, generation_id: int, instance_id: str | None = None) -> None:
    request = HeartbeatRequest(
        group_id=talk.group,
        generation_id=generation_id,
        member_id=member_id,
        group_instance_id=instance_id,
    )
    talk.ask(request, 4)


def describe(talk: Conversation, version: int = 5, *, operations: bool = False) -> None:
    request = DescribeGroupsRequest(groups=[talk.group], include_authorized_operations=operations)
    talk.ask(request, version)


def commit(
    talk: Conversation, generation_id: int = -1, member_id: str = "", version: int = 8, **fields: Any
) -> None:
    partition = OffsetCommitRequestPartition(
        committed_offset=42, committed_leader_epoch=3 if version >= 6 else -1, committed_metadata="meta"
    )
    for name in [name for name in fields if name in OffsetCommitRequestPartition.__slots__]:
        setattr(partition, name, fields.pop(name))
    topic = OffsetCommitRequestTopic(name=fields.pop("topic", talk.topic), partitions=[partition])
    request = OffsetCommitRequest(
        group_id=talk.group,
        generation_id_or_member_epoch=generation_id,
        member_id=member_id,
        topics=[topic],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    talk.ask(request, version)


def fetch(talk: Conversation, version: int = 7, *, everything: bool = False) -> None:
    if version < 8:
        topics = [OffsetFetchRequestTopic(name=talk.topic, partition_indexes=[0, 1, 9])]
        topics.append(OffsetFetchRequestTopic(name="no-such-topic", partition_indexes=[0]))
        talk.ask(OffsetFetchRequest(group_id=talk.group, topics=None if everything else topics), version)
        return
    named = [OffsetFetchRequestTopics(name=talk.topic, partition_indexes=[0, 1, 9])]
    group = OffsetFetchRequestGroup(group_id=talk.group, topics=None if everything else named)
    other = OffsetFetchRequestGroup(group_id=f"not-{talk.group}", topics=None if everything else named)
    talk.ask(OffsetFetchRequest(groups=[group, other]), version)


def delete_offsets(talk: Conversation, *partitions: int, topic: str | None = None) -> None:
    asked = [OffsetDeleteRequestPartition(partition_index=index) for index in partitions]
    topics = [OffsetDeleteRequestTopic(name=topic or talk.topic, partitions=asked)]
    talk.ask(OffsetDeleteRequest(group_id=talk.group, topics=topics), 0)


def leave(talk: Conversation, *members: MemberIdentity, version: int = 5) -> None:
    talk.ask(LeaveGroupRequest(group_id=talk.group, members=list(members)), version)


# -- scenarios -----------------------------------------------------------------------------------------------


def a_member_comes_and_goes(talk: Conversation) -> None:
    member = enter(talk)
    describe(talk)
    heartbeat(talk, member.member_id, 1)
    sync(talk, member, {member.member_id: b"all"}).take()
    describe(talk)
    describe(talk, operations=True)
    heartbeat(talk, member.member_id, 1)
    leave(talk, MemberIdentity(member_id=member.member_id))
    describe(talk)
    heartbeat(talk, member.member_id, 1)


def every_version_of_join(talk: Conversation) -> None:
    for version in range(2, 10):
        member = join(talk, version=version).take()
        if version >= 4:
            member = join(talk, member.member_id, version).take()
        leave(talk, MemberIdentity(member_id=member.member_id), version=3)


def wrong_joins(talk: Conversation) -> None:
    join(talk, session_timeout_ms=5_999).take()
    join(talk, session_timeout_ms=1_800_001).take()
    join(talk, "nobody").take()
    join(talk, group_id="").take()
    join(talk, "nobody", group_id="").take()
    join(talk, protocols=[]).take()
    join(talk, protocol_type="").take()
    stable(talk)
    join(talk, protocol_type="connect").take()
    join(talk, protocols=[JoinGroupRequestProtocol(name="other")]).take()
    join(talk, "nobody").take()
    join(talk, "nobody", group_instance_id="one").take()
    join(talk, "nobody", protocol_type="connect").take()
    join(talk, "nobody", version=6, protocol_type="connect").take()


def wrong_heartbeats(talk: Conversation) -> None:
    heartbeat(talk, "nobody", 1)
    member = stable(talk)
    heartbeat(talk, "nobody", 1)
    heartbeat(talk, "", 1)
    heartbeat(talk, member.member_id, 2)
    heartbeat(talk, member.member_id, 0)
    heartbeat(talk, member.member_id, 1, "one")
    talk.ask(HeartbeatRequest(group_id="", member_id="nobody"), 4)


def wrong_syncs(talk: Conversation) -> None:
    member = enter(talk)
    sync(talk, member, {}, member_id="nobody").take()
    sync(talk, member, {}, generation_id=5).take()
    sync(talk, member, {}, group_instance_id="one").take()
    sync(talk, member, {}, protocol_name="other").take()
    sync(talk, member, {}, protocol_type="connect").take()
    sync(talk, member, {}, protocol_type=None).take()
    sync(talk, member, {}, protocol_name=None).take()
    sync(talk, member, {}, group_id="").take()
    sync(talk, member, {}, group_id="", protocol_name=None).take()
    sync(talk, member, {}).take()
    describe(talk)
    sync(talk, member, {}).take()


def two_members(talk: Conversation) -> None:
    leader = stable(talk)
    told = join(talk).take()
    newcomer = join(talk, told.member_id)
    talk_until_rebalancing(talk, leader)
    describe(talk)
    sync(talk, leader, {}).take()
    commit(talk, 1, leader.member_id)
    leader = join(talk, leader.member_id).take()
    follower = newcomer.take()
    commit(talk, 2, leader.member_id)
    heartbeat(talk, follower.member_id, 2)
    join(talk, follower.member_id).take()
    waiting = sync(talk, follower, {})
    sync(talk, leader, {leader.member_id: b"one", follower.member_id: b"two"}).take()
    waiting.take()
    describe(talk)
    join(talk, follower.member_id).take()
    leave(talk, MemberIdentity(member_id=follower.member_id), MemberIdentity(member_id="nobody"))
    heartbeat(talk, leader.member_id, 2)
    join(talk, leader.member_id).take()


def talk_until_rebalancing(talk: Conversation, member: Any) -> None:
    """The other connection's join may be under way still: ask off the record until it has arrived."""
    request = HeartbeatRequest(group_id=talk.group, generation_id=1, member_id=member.member_id)
    noted = len(talk.transcript)
    while talk.ask(request, 4).error_code == 0:
        pass
    del talk.transcript[noted:-1]


def static_members(talk: Conversation) -> None:
    leader = stable(talk, group_instance_id="one")
    again = join(talk, group_instance_id="one").take()
    heartbeat(talk, leader.member_id, 1, "one")
    heartbeat(talk, leader.member_id, 1)
    heartbeat(talk, again.member_id, 1, "one")
    heartbeat(talk, again.member_id, 1, "two")
    older = join(talk, group_instance_id="one", version=8).take()
    sync(talk, older, {}, group_instance_id="one").take()
    sync(talk, again, {}, group_instance_id="one").take()
    join(talk, again.member_id, group_instance_id="one").take()
    describe(talk)
    leave(talk, MemberIdentity(member_id=again.member_id, group_instance_id="one"))
    leave(talk, MemberIdentity(group_instance_id="two"), MemberIdentity(group_instance_id="one"))
    describe(talk)
    join(talk, "nobody", group_instance_id="three").take()


def leaving(talk: Conversation) -> None:
    leave(talk, MemberIdentity(member_id="nobody"))
    talk.ask(LeaveGroupRequest(group_id="", members=[MemberIdentity(member_id="nobody")]), 4)
    talk.ask(LeaveGroupRequest(group_id=talk.group, member_id="nobody"), 2)
    pending = join(talk).take()
    describe(talk)
    leave(talk, MemberIdentity(member_id=pending.member_id))
    join(talk, pending.member_id).take()
    stable(talk)
    talk.ask(LeaveGroupRequest(group_id=talk.group, member_id="nobody"), 2)
    leave(talk, MemberIdentity(member_id="nobody", group_instance_id="one"))
    leave(talk)


def offsets_without_membership(talk: Conversation) -> None:
    fetch(talk)
    fetch(talk, everything=True)
    for version in range(2, 10):
        commit(talk, version=version)
    commit(talk, version=8, topic="no-such-topic")
    commit(talk, version=8, partition_index=9)
    commit(talk, version=8, committed_metadata=None, partition_index=1)
    commit(talk, version=8, committed_metadata="x" * 4096)
    commit(talk, version=8, committed_metadata="x" * 4097)
    commit(talk, version=8, committed_offset=-5, partition_index=1)
    for version in range(1, 10):
        fetch(talk, version)
    for version in range(2, 10):
        fetch(talk, version, everything=True)
    commit(talk, member_id="nobody")
    commit(talk, 0)
    commit(talk, 3, "nobody")
    commit(talk, group_instance_id="one")
    describe(talk)
    commit(talk, group_id="")


def offsets_of_members(talk: Conversation) -> None:
    commit(talk, 1, "nobody", version=8)
    commit(talk, 1, "nobody", version=9)
    member = enter(talk)
    commit(talk, 1, member.member_id)
    commit(talk)
    sync(talk, member, {member.member_id: b"all"}).take()
    commit(talk, 1, member.member_id)
    commit(talk)
    commit(talk, 2, member.member_id)
    commit(talk, -1, member.member_id)
    commit(talk, 1, "nobody")
    commit(talk, 1, member.member_id, group_instance_id="one")
    commit(talk, 1)
    commit(talk, 1, member.member_id, committed_metadata="x" * 5000)
    fetch(talk, everything=True)
    delete_offsets(talk, 0)
    leave(talk, MemberIdentity(member_id=member.member_id))
    commit(talk)
    commit(talk, 2)
    commit(talk, -1, member.member_id)
    fetch(talk, everything=True)


def deleting_offsets(talk: Conversation) -> None:
    delete_offsets(talk, 0)
    commit(talk)
    commit(talk, partition_index=1)
    delete_offsets(talk, 0, 9)
    delete_offsets(talk, 0, topic="no-such-topic")
    fetch(talk, everything=True)
    describe(talk)
    delete_offsets(talk, 0)
    fetch(talk, everything=True)
    talk.ask(OffsetDeleteRequest(group_id=""), 0)


def deleting_offsets_of_active_groups(talk: Conversation) -> None:
    commit(talk)
    member = stable(talk, protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")])
    delete_offsets(talk, 0)
    leave(talk, MemberIdentity(member_id=member.member_id))
    other = [JoinGroupRequestProtocol(name="range", metadata=subscription("another"))]
    member = stable(talk, protocols=other)
    delete_offsets(talk, 0)
    fetch(talk, everything=True)
    leave(talk, MemberIdentity(member_id=member.member_id))


def deleting_offsets_of_other_kinds_of_group(talk: Conversation) -> None:
    commit(talk)
    member = join(talk, protocol_type="connect").take()
    join(talk, member.member_id, protocol_type="connect").take()
    delete_offsets(talk, 0)


def deleting_groups(talk: Conversation) -> None:
    def delete(version: int = 2) -> None:
        talk.ask(DeleteGroupsRequest(groups_names=[talk.group, talk.group]), version)

    delete()
    commit(talk)
    delete()
    delete()
    fetch(talk)
    describe(talk)
    member = stable(talk)
    delete(0)
    leave(talk, MemberIdentity(member_id=member.member_id))
    delete(1)
    describe(talk)
    join(talk).take()
    delete()


def listing_groups(talk: Conversation) -> None:
    def listed(version: int, states: list[str] | None = None, types: list[str] | None = None) -> None:
        """Other groups may be there too: only ours is noted."""
        request = ListGroupsRequest(states_filter=states or [], types_filter=types or [])
        response = talk.ask(request, version)
        del talk.transcript[-1]
        response.groups = [group for group in response.groups if group.group_id == talk.group]
        talk.note(f"{version} {request}", response)

    listed(4)
    member = stable(talk)
    for version in range(6):
        listed(version)
    for states in (["stable"], ["Stable"], ["Empty"], ["nonsense"], ["empty", "STABLE"]):
        listed(4, states)
    for types in (["classic"], ["Classic"], ["consumer"], ["nonsense"], ["nonsense", "classic"]):
        listed(5, types=types)
    leave(talk, MemberIdentity(member_id=member.member_id))
    listed(5, ["Empty"])


def describing_groups(talk: Conversation) -> None:
    for version in range(6):
        describe(talk, version)
    describe(talk, operations=True)
    commit(talk)
    describe(talk, operations=True)
    member = stable(talk)
    for version in range(6):
        describe(talk, version)
    leave(talk, MemberIdentity(member_id=member.member_id))
    describe(talk)


def describing_groups_since_release_4(talk: Conversation) -> None:
    describe(talk, 6)
    describe(talk, 6, operations=True)
    stable(talk)
    describe(talk, 6, operations=True)


def voting(talk: Conversation) -> None:
    def protocols(*names: str) -> list[JoinGroupRequestProtocol]:
        return [JoinGroupRequestProtocol(name=name, metadata=name.encode()) for name in names]

    first = join(talk, version=3, protocols=protocols("a", "b", "c")).take()
    second = join(talk, version=3, protocols=protocols("b", "c"))
    talk_until_rebalancing(talk, first)
    third = join(talk, version=3, protocols=protocols("c", "b"))
    fourth = join(talk, version=3, protocols=protocols("c", "b"))
    settle(talk, 4)
    noted = len(talk.transcript)
    answers = [join(talk, first.member_id, 3, protocols=protocols("a", "b", "c"))]
    votes = [waiting.take().protocol_name for waiting in [*answers, second, third, fourth]]
    del talk.transcript[noted:]
    talk.note("votes", votes)


def settle(talk: Conversation, members: int) -> None:
    """Wait, off the record, until that many members are in the group."""
    noted = len(talk.transcript)
    request = DescribeGroupsRequest(groups=[talk.group])
    while len(talk.ask(request, 5).groups[0].members) < members:
        pass
    del talk.transcript[noted:]


def topic_ids(talk: Conversation) -> None:
    unknown = UUID(int=2**100)
    for topic_id in (talk.topic_id, unknown, UUID(int=0)):
        for partition in (0, 9):
            partitions = [OffsetCommitRequestPartition(partition_index=partition, committed_offset=7)]
            topic = OffsetCommitRequestTopic(topic_id=topic_id, partitions=partitions)
            talk.ask(OffsetCommitRequest(group_id=talk.group, topics=[topic]), 10)
    asked = [
        OffsetFetchRequestTopics(topic_id=topic_id, partition_indexes=[0, 1])
        for topic_id in (talk.topic_id, unknown, UUID(int=0))
    ]
    for topics in (asked, asked[1:], None):
        groups = [OffsetFetchRequestGroup(group_id=talk.group, topics=topics)]
        talk.ask(OffsetFetchRequest(groups=groups), 10)
        groups = [OffsetFetchRequestGroup(group_id=f"not-{talk.group}", topics=topics)]
        talk.ask(OffsetFetchRequest(groups=groups), 10)
    mixed = [
        OffsetCommitRequestTopic(
            topic_id=topic_id, partitions=[OffsetCommitRequestPartition(committed_offset=8)]
        )
        for topic_id in (unknown, talk.topic_id)
    ]
    talk.ask(OffsetCommitRequest(group_id=talk.group, topics=mixed), 10)
    request = OffsetCommitRequest(
        group_id=f"not-{talk.group}", topics=mixed, generation_id_or_member_epoch=1, member_id="nobody"
    )
    talk.ask(request, 10)


def the_empty_group_id(talk: Conversation) -> None:
    talk.ask(DescribeGroupsRequest(groups=["no-such-group"]), 5)
    talk.ask(OffsetFetchRequest(group_id="", topics=[]), 7)


EVERYWHERE: list[Scenario] = [
    a_member_comes_and_goes,
    every_version_of_join,
    wrong_joins,
    wrong_heartbeats,
    wrong_syncs,
    two_members,
    static_members,
    leaving,
    offsets_without_membership,
    offsets_of_members,
    deleting_offsets,
    deleting_offsets_of_active_groups,
    deleting_offsets_of_other_kinds_of_group,
    deleting_groups,
    listing_groups,
    describing_groups,
    voting,
    the_empty_group_id,
]

SINCE_RELEASE_4: list[Scenario] = [describing_groups_since_release_4, topic_ids]
