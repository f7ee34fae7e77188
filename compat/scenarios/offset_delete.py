"""OffsetDelete: forgetting what a group has committed."""

from compat.judge import Session, scenario
from compat.scenarios.group_requests import commit, join, sync
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.consumer_protocol_subscription import ConsumerProtocolSubscription
from odradek.protocol.generated.offset_delete_request import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup


def forget(group: str, topic: str, *partitions: int) -> OffsetDeleteRequest:
    rows = [OffsetDeleteRequestPartition(partition_index=index) for index in partitions]
    return OffsetDeleteRequest(group_id=group, topics=[OffsetDeleteRequestTopic(name=topic, partitions=rows)])


def left(k: Session, group: str) -> None:
    k.send(OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)]), version=8)


@scenario(ApiKey.OFFSET_DELETE)
def committed(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    for partition in (0, 1):
        k.send(commit(k.name("g"), topic, 5, partition=partition))
    k.send(forget(k.name("g"), topic.name, 0))
    left(k, k.name("g"))
    k.send(forget(k.name("g"), topic.name, 0, 1))
    left(k, k.name("g"))


@scenario(ApiKey.OFFSET_DELETE)
def unknown_group(k: Session) -> None:
    topic = k.create_topic()
    k.send(forget(k.name("g"), topic.name, 0))
    k.send(forget("", topic.name, 0))


@scenario(ApiKey.OFFSET_DELETE)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(commit(k.name("g"), topic, 5))
    k.send(forget(k.name("g"), topic.name, 7))
    k.send(forget(k.name("g"), k.name("none"), 0))
    k.send(OffsetDeleteRequest(group_id=k.name("g"), topics=[]))


@scenario(ApiKey.OFFSET_DELETE)
def of_a_group_that_is_subscribed(k: Session) -> None:
    one, two = k.create_topic("one"), k.create_topic("two")
    subscription = ConsumerProtocolSubscription(topics=[one.name])
    metadata = b"\0\0" + subscription.to_bytes(0)
    request = join(k.name("g"), protocols={"range": metadata})
    request.member_id = k.send(request).member_id
    joined = k.send(request)
    member = {joined.member_id: b""}
    k.send(sync(request.group_id, joined.generation_id, joined.member_id, member))
    for topic in (one, two):
        k.send(
            commit(request.group_id, topic, 5, generation=joined.generation_id, member_id=joined.member_id)
        )
    k.send(forget(request.group_id, one.name, 0))
    k.send(forget(request.group_id, two.name, 0))
    left(k, request.group_id)


@scenario(ApiKey.OFFSET_DELETE)
def of_a_group_of_another_type(k: Session) -> None:
    topic = k.create_topic()
    request = join(k.name("g"), protocol_type="connect")
    request.member_id = k.send(request).member_id
    k.send(request)
    k.send(forget(request.group_id, topic.name, 0))
