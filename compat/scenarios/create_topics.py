"""CreateTopics: what is made, what is only checked, and everything that is refused."""

from typing import Any

from compat.judge import Session, scenario
from compat.scenarios.metadata import PARTITIONS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_topics_request import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

Configs = dict[str, str | None]


def topic(
    name: str, partitions: int = 1, replicas: int = 1, *, configs: Configs | None = None
) -> CreatableTopic:
    settings = [CreatableTopicConfig(name=key, value=value) for key, value in (configs or {}).items()]
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas, configs=settings)


def assigned(
    name: str, assignments: dict[int, list[int]], partitions: int = -1, replicas: int = -1
) -> CreatableTopic:
    rows = [
        CreatableReplicaAssignment(partition_index=index, broker_ids=brokers)
        for index, brokers in assignments.items()
    ]
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas, assignments=rows)


def create(*topics: CreatableTopic, **fields: Any) -> CreateTopicsRequest:
    return CreateTopicsRequest(topics=list(topics), **{"timeout_ms": 30_000, **fields})


def exist(k: Session, *names: str, but_not: tuple[str, ...] = ()) -> None:
    """Ask for topics until those that should be there are."""
    asked = [MetadataRequestTopic(name=name) for name in (*names, *but_not)]
    k.send(
        MetadataRequest(topics=asked, allow_auto_topic_creation=False),
        until=lambda answer: {topic.name for topic in answer.topics if not topic.error_code} >= set(names),
        unordered=PARTITIONS,
    )


@scenario(ApiKey.CREATE_TOPICS)
def one_topic(k: Session) -> None:
    k.send(create(topic(k.name(), partitions=3)))
    exist(k, k.name())


@scenario(ApiKey.CREATE_TOPICS)
def several_topics(k: Session) -> None:
    k.send(create(topic(k.name("c")), topic(k.name("a"), partitions=2), topic(k.name("b"))))


@scenario(ApiKey.CREATE_TOPICS)
def one_of_several_fails(k: Session) -> None:
    k.send(create(topic(k.name("a")), topic("a b"), topic(k.name("b"), replicas=5)))
    exist(k, k.name("a"), but_not=(k.name("b"),))


@scenario(ApiKey.CREATE_TOPICS)
def with_configs(k: Session) -> None:
    k.send(
        create(
            topic(
                k.name(),
                configs={
                    "retention.ms": "1000",
                    "cleanup.policy": "compact,delete",
                    "segment.bytes": "2000000",
                },
            )
        )
    )
    asked = [
        DescribeConfigsResource(resource_type=2, resource_name=k.name(), configuration_keys=["retention.ms"])
    ]
    described = DescribeConfigsRequest(resources=asked, include_synonyms=True)
    k.send(described, until=lambda answer: not answer.results[0].error_code)


@scenario(ApiKey.CREATE_TOPICS)
def already_there(k: Session) -> None:
    there = k.create_topic()
    k.send(create(topic(there.name)))
    k.send(create(topic(there.name, replicas=9)))


@scenario(ApiKey.CREATE_TOPICS)
def invalid_names(k: Session) -> None:
    for name in ("", ".", "..", "a b", "a/b", "x" * 250, "é"):
        k.send(create(topic(name)))


@scenario(ApiKey.CREATE_TOPICS)
def colliding_names(k: Session) -> None:
    there = k.create_topic("x.y")
    k.send(create(topic(k.name("x_y"))))
    exist(k, there.name)


@scenario(ApiKey.CREATE_TOPICS)
def invalid_counts(k: Session) -> None:
    for partitions, replicas in ((0, 1), (-2, 1), (1, 0), (1, -2), (1, 2), (-1, 5), (0, 0)):
        k.send(create(topic(k.name(), partitions, replicas)))


@scenario(ApiKey.CREATE_TOPICS)
def default_counts(k: Session) -> None:
    k.send(create(topic(k.name(), -1, -1)))
    exist(k, k.name())


@scenario(ApiKey.CREATE_TOPICS)
def the_same_name_twice(k: Session) -> None:
    k.send(create(topic(k.name("a")), topic(k.name("a"), 2), topic(k.name("b"))))
    exist(k, k.name("b"), but_not=(k.name("a"),))


@scenario(ApiKey.CREATE_TOPICS)
def no_topics(k: Session) -> None:
    k.send(create())


@scenario(ApiKey.CREATE_TOPICS)
def assignments(k: Session) -> None:
    k.send(create(assigned(k.name(), {0: [0], 1: [0]})))
    exist(k, k.name())


@scenario(ApiKey.CREATE_TOPICS)
def invalid_assignments(k: Session) -> None:
    wrong: list[dict[int, list[int]]] = [
        {0: [5]},
        {0: [0, 0]},
        {1: [0]},
        {0: []},
        {0: [0], 2: [0]},
        {0: [-1]},
    ]
    wrong += [{0: [0], 1: [0, 1]}, {-1: [0]}]
    for number, each in enumerate(wrong):
        k.send(create(assigned(k.name(str(number)), each), timeout_ms=500))


@scenario(ApiKey.CREATE_TOPICS)
def assignments_and_counts_together(k: Session) -> None:
    for partitions, replicas in ((1, -1), (-1, 1), (1, 1)):
        k.send(create(assigned(k.name(), {0: [0]}, partitions, replicas)))


@scenario(ApiKey.CREATE_TOPICS)
def the_same_partition_assigned_twice(k: Session) -> None:
    made = assigned(k.name(), {0: [0]})
    made.assignments *= 2
    k.send(create(made))


@scenario(ApiKey.CREATE_TOPICS)
def invalid_configs(k: Session) -> None:
    wrong: list[Configs] = [
        {"retention.ms": "x"},
        {"retention.ms": "-2"},
        {"no.such.config": "1"},
        {"cleanup.policy": "shred"},
        {"segment.bytes": "1"},
        {"retention.ms": None},
        {"min.insync.replicas": "0"},
        {"compression.type": "rar"},
        {"message.timestamp.type": "Never"},
        {"max.message.bytes": "-1"},
        {"unclean.leader.election.enable": "perhaps"},
        {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"},
        {"remote.storage.enable": "true"},
        {"local.retention.ms": "100", "retention.ms": "10"},
        {"": "1"},
    ]
    for number, configs in enumerate(wrong):
        k.send(create(topic(k.name(str(number)), configs=configs)))


@scenario(ApiKey.CREATE_TOPICS)
def the_same_config_twice(k: Session) -> None:
    made = topic(k.name(), configs={"retention.ms": "1000"})
    made.configs += [CreatableTopicConfig(name="retention.ms", value="2000")]
    k.send(create(made))


@scenario(ApiKey.CREATE_TOPICS, since=1)
def only_validated(k: Session) -> None:
    k.send(create(topic(k.name(), 3), validate_only=True))
    k.send(create(topic(k.name(), 3, configs={"retention.ms": "5"}), validate_only=True))
    k.send(create(topic(k.name(), 0), validate_only=True))
    k.send(create(topic(k.name(), configs={"retention.ms": "x"}), validate_only=True))
    exist(k, but_not=(k.name(),))


@scenario(ApiKey.CREATE_TOPICS)
def without_time(k: Session) -> None:
    k.send(create(topic(k.name("zero")), timeout_ms=0))
    k.send(create(topic(k.name("less")), timeout_ms=-1))


@scenario(ApiKey.CREATE_TOPICS)
def internal_names(k: Session) -> None:
    k.send(create(topic("__consumer_offsets")))
    k.send(create(topic("__cluster_metadata")))


@scenario(ApiKey.CREATE_TOPICS, newest_only=True)
def every_config_comes_back(k: Session) -> None:
    configs: Configs = {
        "cleanup.policy": "compact",
        "retention.bytes": "5000",
        "min.insync.replicas": "1",
        "flush.messages": "7",
        "index.interval.bytes": "100",
        "preallocate": "true",
        "compression.type": "zstd",
    }
    k.send(create(topic(k.name(), 2, configs=configs)))
