"""DescribeTopicPartitions: in pages, with a cursor."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_topic_partitions_request import (
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)


def ask(
    *names: str, limit: int = 2000, cursor: tuple[str, int] | None = None
) -> DescribeTopicPartitionsRequest:
    return DescribeTopicPartitionsRequest(
        topics=[TopicRequest(name=name) for name in names],
        response_partition_limit=limit,
        cursor=None if cursor is None else Cursor(topic_name=cursor[0], partition_index=cursor[1]),
    )


@scenario(ApiKey.DESCRIBE_TOPIC_PARTITIONS)
def topics(k: Session) -> None:
    one, two = k.create_topic("b", partitions=3), k.create_topic("a")
    k.send(ask(one.name, two.name))
    k.send(ask(one.name, one.name))


@scenario(ApiKey.DESCRIBE_TOPIC_PARTITIONS)
def unknown_topics(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask(k.name("none"), topic.name))
    for name in ("", "a b"):
        k.send(ask(name))


@scenario(ApiKey.DESCRIBE_TOPIC_PARTITIONS)
def pages(k: Session) -> None:
    one, two = k.create_topic("a", partitions=3), k.create_topic("b", partitions=2)
    k.send(ask(one.name, two.name, limit=2))
    k.send(ask(one.name, two.name, limit=2, cursor=(one.name, 2)))
    k.send(ask(one.name, two.name, limit=2, cursor=(two.name, 1)))
    k.send(ask(one.name, two.name, limit=2, cursor=(two.name, 9)))
    k.send(ask(one.name, two.name, limit=3))
    k.send(ask(one.name, two.name, limit=5))


@scenario(ApiKey.DESCRIBE_TOPIC_PARTITIONS)
def odd_limits_and_cursors(k: Session) -> None:
    topic = k.create_topic("a", partitions=3)
    for limit in (0, -1, 1):
        k.send(ask(topic.name, limit=limit))
    k.send(ask(topic.name, cursor=(topic.name, -1)))
    k.send(ask(topic.name, cursor=(k.name("b"), 0)))
    k.send(ask(topic.name, cursor=("", 0)))


@scenario(ApiKey.DESCRIBE_TOPIC_PARTITIONS, newest_only=True)
def internal_topic(k: Session) -> None:
    k.send(ask("__consumer_offsets"))
