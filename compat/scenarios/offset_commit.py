"""OffsetCommit: with and without a group, and what a coordinator does not keep."""

from uuid import UUID

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.group_requests import commit, join
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.offset_commit_request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup


def committed(k: Session, group: str) -> None:
    k.send(OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)]), version=8)


@scenario(ApiKey.OFFSET_COMMIT)
def without_members(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name(), topic, 5, metadata="note"))
    k.send(commit(k.name(), topic, 3, metadata=""))
    k.send(commit(k.name(), topic, 7, metadata=None))
    committed(k, k.name())


@scenario(ApiKey.OFFSET_COMMIT, since=1)
def by_a_member(k: Session) -> None:
    topic = k.create_topic("t")
    member = k.stable_member(k.name())
    k.send(commit(member.group, topic, 5, generation=member.generation, member_id=member.id))
    committed(k, member.group)


@scenario(ApiKey.OFFSET_COMMIT, since=1)
def wrong_members(k: Session) -> None:
    topic = k.create_topic("t")
    member = k.stable_member(k.name())
    group, generation = member.group, member.generation
    k.send(commit(group, topic, 1, generation=generation + 1, member_id=member.id))
    k.send(commit(group, topic, 1, generation=generation - 1, member_id=member.id))
    k.send(commit(group, topic, 1, generation=-1, member_id=member.id))
    k.send(commit(group, topic, 1, generation=generation, member_id="nobody"))
    k.send(commit(group, topic, 1))
    k.send(commit(group, topic, 1, generation=generation))
    k.send(commit(k.name("none"), topic, 1, generation=1, member_id="nobody"))
    k.send(commit(k.name("none"), topic, 1, generation=-1, member_id="nobody"))
    k.send(commit(k.name("none"), topic, 1, generation=1, member_id=""))
    committed(k, group)


@scenario(ApiKey.OFFSET_COMMIT)
def an_empty_group_id(k: Session) -> None:
    k.send(commit("", k.create_topic(), 1))


@scenario(ApiKey.OFFSET_COMMIT, since=7)
def instances(k: Session) -> None:
    topic = k.create_topic("t")
    member = k.stable_member(k.name(), instance_id="one")
    group, generation = member.group, member.generation
    k.send(commit(group, topic, 1, generation=generation, member_id=member.id, instance_id="one"))
    k.send(commit(group, topic, 2, generation=generation, member_id="other", instance_id="one"))
    k.send(commit(group, topic, 3, generation=generation, member_id=member.id, instance_id="two"))
    committed(k, group)


@scenario(ApiKey.OFFSET_COMMIT, since=1)
def while_the_group_rebalances(k: Session) -> None:
    topic = k.create_topic("t")
    member = k.stable_member(k.name())
    second = join(member.group)
    second.member_id = k.send(second).member_id
    waiting = k.post(second)
    k.wait(0.1)
    k.send(commit(member.group, topic, 1, generation=member.generation, member_id=member.id))
    k.send(join(member.group, member.id))
    k.take(waiting)
    k.send(commit(member.group, topic, 2, generation=member.generation + 1, member_id=member.id))


@scenario(ApiKey.OFFSET_COMMIT)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name(), topic, 1, partition=7))
    k.send(commit(k.name(), Topic(k.name("none"), UUID(int=7)), 1))
    committed(k, k.name())


@scenario(ApiKey.OFFSET_COMMIT)
def metadata_that_is_too_long(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name(), topic, 1, metadata="x" * 4096))
    k.send(commit(k.name(), topic, 2, metadata="x" * 4097))
    committed(k, k.name())


@scenario(ApiKey.OFFSET_COMMIT)
def odd_offsets(k: Session) -> None:
    topic = k.create_topic()
    for offset in (-1, -2, 2**62):
        k.send(commit(k.name(), topic, offset))
        committed(k, k.name())


@scenario(ApiKey.OFFSET_COMMIT)
def several_topics_and_partitions(k: Session) -> None:
    one, two = k.create_topic("b", partitions=3), k.create_topic("a")
    rows = [
        OffsetCommitRequestPartition(partition_index=p, committed_offset=p * 10, committed_metadata="")
        for p in (2, 0, 9)
    ]
    topics = [
        OffsetCommitRequestTopic(name=one.name, topic_id=one.id, partitions=rows),
        OffsetCommitRequestTopic(name=two.name, topic_id=two.id, partitions=rows[1:2]),
    ]
    k.send(OffsetCommitRequest(group_id=k.name(), topics=topics))


@scenario(ApiKey.OFFSET_COMMIT)
def no_topics(k: Session) -> None:
    k.send(OffsetCommitRequest(group_id=k.name(), topics=[]))
    k.send(OffsetCommitRequest(group_id="", topics=[]))


@scenario(ApiKey.OFFSET_COMMIT, since=6)
def with_a_leader_epoch(k: Session) -> None:
    topic = k.create_topic()
    request = commit(k.name(), topic, 4)
    for epoch in (0, 7, -1):
        request.topics[0].partitions[0].committed_leader_epoch = epoch
        k.send(request)
        committed(k, k.name())


@scenario(ApiKey.OFFSET_COMMIT, newest_only=True, restarts=True)
def survives_a_restart(k: Session) -> None:
    topic = k.create_topic()
    member = k.stable_member(k.name(), session_timeout_ms=60_000)
    k.send(commit(member.group, topic, 4, generation=member.generation, member_id=member.id))
    k.restart_broker()
    request = commit(member.group, topic, 5, generation=member.generation, member_id=member.id)
    k.send(request)
    committed(k, member.group)
