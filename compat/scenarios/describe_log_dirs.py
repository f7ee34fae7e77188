"""DescribeLogDirs: where partitions are and how large they are."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_log_dirs_request import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)


def ask(*topics: tuple[str, list[int]]) -> DescribeLogDirsRequest:
    return DescribeLogDirsRequest(
        topics=[DescribableLogDirTopic(topic=name, partitions=indexes) for name, indexes in topics]
    )


@scenario(ApiKey.DESCRIBE_LOG_DIRS)
def one_topic(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(ask((topic.name, [0])))
    k.produce(topic, b"a", b"b" * 100)
    k.send(ask((topic.name, [0])))


@scenario(ApiKey.DESCRIBE_LOG_DIRS)
def unknown_topic_or_partition(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask((k.name("none"), [0]), (topic.name, [0, 7])))


@scenario(ApiKey.DESCRIBE_LOG_DIRS)
def nothing(k: Session) -> None:
    k.send(ask())
    k.send(ask((k.create_topic().name, [])))
