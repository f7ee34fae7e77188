"""OffsetFetch: some partitions, all of them, several groups."""

from uuid import UUID

from compat.judge import Session, scenario
from compat.judge.session import Topic
from compat.scenarios.group_requests import commit
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.offset_fetch_request import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)

GROUPS = 8
"""The first version that asks for several groups."""


def ask(k: Session, group: str, topics: list[Topic] | None, *partitions: int) -> OffsetFetchRequest:
    indexes = list(partitions)
    if k.version < GROUPS:
        rows = [OffsetFetchRequestTopic(name=each.name, partition_indexes=indexes) for each in topics or []]
        return OffsetFetchRequest(group_id=group, topics=None if topics is None else rows)
    return OffsetFetchRequest(groups=[of_group(group, topics, *partitions)])


def of_group(group: str, topics: list[Topic] | None, *partitions: int) -> OffsetFetchRequestGroup:
    rows = [
        OffsetFetchRequestTopics(name=each.name, topic_id=each.id, partition_indexes=list(partitions))
        for each in topics or []
    ]
    return OffsetFetchRequestGroup(group_id=group, topics=None if topics is None else rows)


@scenario(ApiKey.OFFSET_FETCH)
def committed(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(commit(k.name(), topic, 5, metadata="note"))
    k.send(ask(k, k.name(), [topic], 0))
    k.send(ask(k, k.name(), [topic], 1, 0))


@scenario(ApiKey.OFFSET_FETCH)
def never_committed(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k, k.name(), [topic], 0))


@scenario(ApiKey.OFFSET_FETCH, since=2)
def everything(k: Session) -> None:
    one, two = k.create_topic("t"), k.create_topic("s", partitions=3)
    k.send(ask(k, k.name(), None))
    k.send(commit(k.name(), one, 5))
    k.send(ask(k, k.name(), None))
    k.send(commit(k.name(), two, 6, partition=2))
    k.send(commit(k.name(), two, 7, partition=0))
    k.send(ask(k, k.name(), None))


@scenario(ApiKey.OFFSET_FETCH)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k, k.name(), [Topic(k.name("none"), UUID(int=7))], 0))
    k.send(ask(k, k.name(), [topic], 9, -1))


@scenario(ApiKey.OFFSET_FETCH)
def no_topics(k: Session) -> None:
    k.send(ask(k, k.name(), []))


@scenario(ApiKey.OFFSET_FETCH)
def an_empty_group_id(k: Session) -> None:
    k.send(ask(k, "", [k.create_topic()], 0))


@scenario(ApiKey.OFFSET_FETCH, since=7)
def only_what_is_stable(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name(), topic, 5))
    request = ask(k, k.name(), [topic], 0)
    request.require_stable = True
    k.send(request)


@scenario(ApiKey.OFFSET_FETCH, since=GROUPS)
def several_groups(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name("b"), topic, 5))
    asked = [of_group(k.name(suffix), [topic], 0) for suffix in "bac"]
    k.send(OffsetFetchRequest(groups=asked), unordered="groups")


@scenario(ApiKey.OFFSET_FETCH, since=GROUPS)
def no_groups(k: Session) -> None:
    k.take(k.post(OffsetFetchRequest(groups=[]), patience_s=3))


@scenario(ApiKey.OFFSET_FETCH, since=9)
def as_a_member_of_the_new_protocol(k: Session) -> None:
    topic = k.create_topic()
    member = k.stable_member(k.name("g"))
    for member_id, epoch in ((member.id, 1), ("nobody", 1), (member.id, -1), ("", 0)):
        asked = of_group(member.group, [topic], 0)
        asked.member_id, asked.member_epoch = member_id, epoch
        k.send(OffsetFetchRequest(groups=[asked]))


@scenario(ApiKey.OFFSET_FETCH, newest_only=True, restarts=True)
def survives_a_restart(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(commit(k.name(), topic, 5, metadata="note"))
    k.restart_broker(kill=True)
    k.send(ask(k, k.name(), [topic], 0, 1))
