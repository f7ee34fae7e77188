"""CreatePartitions: more of them, never fewer."""

from typing import Any

from compat.judge import Session, scenario
from compat.scenarios.alter_configs import NO_ZNODE
from compat.scenarios.metadata import PARTITIONS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_partitions_request import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic


def grow(name: str, count: int, assignments: list[list[int]] | None = None) -> CreatePartitionsTopic:
    rows = (
        None if assignments is None else [CreatePartitionsAssignment(broker_ids=each) for each in assignments]
    )
    return CreatePartitionsTopic(name=name, count=count, assignments=rows)


def request(*topics: CreatePartitionsTopic, **fields: Any) -> CreatePartitionsRequest:
    return CreatePartitionsRequest(topics=list(topics), **{"timeout_ms": 30_000, **fields})


def partitions(k: Session, name: str, count: int) -> None:
    asked = MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=False)
    k.send(
        asked,
        until=lambda answer: len(answer.topics[0].partitions) == count,
        unordered=PARTITIONS,
    )


@scenario(ApiKey.CREATE_PARTITIONS)
def more(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 3)))
    partitions(k, topic.name, 3)


@scenario(ApiKey.CREATE_PARTITIONS)
def several_topics(k: Session) -> None:
    one, two = k.create_topic("b"), k.create_topic("a")
    k.send(request(grow(one.name, 2), grow(two.name, 3)), unordered="results")


@scenario(ApiKey.CREATE_PARTITIONS)
def not_more(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    for count in (2, 1, 0, -1):
        k.send(request(grow(topic.name, count)))
    partitions(k, topic.name, 2)


@scenario(ApiKey.CREATE_PARTITIONS)
def unknown_topic(k: Session) -> None:
    k.send(request(grow(k.name(), 2)))
    k.send(request(grow("a b", 2)))
    k.send(request(grow("", 2)))


@scenario(ApiKey.CREATE_PARTITIONS)
def the_same_topic_twice(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 2), grow(topic.name, 3)))
    partitions(k, topic.name, 1)


@scenario(ApiKey.CREATE_PARTITIONS)
def assignments(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 3, [[0], [0]])))
    partitions(k, topic.name, 3)


@scenario(ApiKey.CREATE_PARTITIONS)
def invalid_assignments(k: Session) -> None:
    topic = k.create_topic()
    all_wrong: list[list[list[int]]] = [[[5]], [[0, 0]], [[]], [[0], [0]], [], [[0, 1]], [[-1]]]
    for wrong in all_wrong:
        k.send(request(grow(topic.name, 2, wrong)))


@scenario(ApiKey.CREATE_PARTITIONS)
def only_validated(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 4), validate_only=True))
    k.send(request(grow(topic.name, 1), validate_only=True))
    partitions(k, topic.name, 1)


@scenario(ApiKey.CREATE_PARTITIONS)
def no_topics(k: Session) -> None:
    k.send(request())


@scenario(ApiKey.CREATE_PARTITIONS)
def without_time(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 2), timeout_ms=0))
    partitions(k, topic.name, 2)


@scenario(ApiKey.CREATE_PARTITIONS, newest_only=True)
def too_many(k: Session) -> None:
    topic = k.create_topic()
    k.send(request(grow(topic.name, 10_001), validate_only=True))


@scenario(ApiKey.CREATE_PARTITIONS)
def names_that_no_znode_can_have(k: Session) -> None:
    for name in NO_ZNODE:
        k.send(request(grow(name, 2)))
    one, two = k.create_topic("a"), k.create_topic("b")
    k.send(request(grow(one.name, 2), grow("x\x01", 2), grow(two.name, 2)), unordered="results")
    for topic in (one, two):
        k.send(request(grow(topic.name, 2)))
