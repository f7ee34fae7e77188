"""AlterReplicaLogDirs: what is answered by a broker of one log directory, where nothing can move."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.alter_replica_log_dirs_request import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from odradek.protocol.generated.describe_log_dirs_request import DescribeLogDirsRequest

NOWHERE = "/no/such/directory"


def ask(*wanted: tuple[str, dict[str, list[int]]]) -> AlterReplicaLogDirsRequest:
    return AlterReplicaLogDirsRequest(
        dirs=[
            AlterReplicaLogDir(
                path=path,
                topics=[
                    AlterReplicaLogDirTopic(name=name, partitions=indexes) for name, indexes in topics.items()
                ],
            )
            for path, topics in wanted
        ]
    )


def here(k: Session) -> str:
    """The path of the broker's log directory."""
    path: str = k.send(DescribeLogDirsRequest(topics=[])).results[0].log_dir
    return path


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def to_where_it_is(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(ask((here(k), {topic.name: [0, 1]})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def to_no_directory(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask((NOWHERE, {topic.name: [0], k.name("none"): [0]})))
    k.send(ask((here(k) + "/", {topic.name: [0]}), ("", {topic.name: [1]})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def what_does_not_exist(k: Session) -> None:
    topic = k.create_topic()
    k.send(ask((here(k), {topic.name: [0, 7], k.name("none"): [0], "": [0]})))
    k.send(ask((here(k), {topic.name: [-1]})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def nothing(k: Session) -> None:
    k.send(ask())
    k.send(ask((here(k), {})))
    k.send(ask((here(k), {k.create_topic().name: []})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def a_partition_twice(k: Session) -> None:
    topic = k.create_topic()
    path = here(k)
    k.send(ask((NOWHERE, {topic.name: [0]}), (path, {topic.name: [0]})))
    k.send(ask((path, {topic.name: [0]}), (NOWHERE, {topic.name: [0]})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS)
def a_name_that_is_too_long(k: Session) -> None:
    path = here(k)
    for length in (212, 213, 214, 249, 250):
        k.send(ask((path, {"x" * length: [0]})))
    k.send(ask((path, {"x" * 212: [10]})))


@scenario(ApiKey.ALTER_REPLICA_LOG_DIRS, newest_only=True)
def the_order_of_many(k: Session) -> None:
    names = [k.create_topic(suffix, partitions=6).name for suffix in "abcdef"]
    indexes = [5, 0, 3, 1, 4, 2]
    k.send(ask((here(k), dict.fromkeys(names, indexes)), (NOWHERE, {names[2]: [1, 2]})))
