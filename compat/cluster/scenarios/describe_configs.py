"""DescribeConfigs and IncrementalAlterConfigs: a broker's by itself, everybody's by anybody."""

from collections.abc import Callable
from typing import Any

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

TOPIC, BROKER = 2, 4
SET, DELETE = 0, 1


def describe(kind: int, name: str, *keys: str) -> DescribeConfigsRequest:
    resource = DescribeConfigsResource(kind, name, list(keys))
    return DescribeConfigsRequest(resources=[resource], include_synonyms=True)


def alter(kind: int, name: str, key: str, value: str | None) -> IncrementalAlterConfigsRequest:
    change = AlterableConfig(key, DELETE if value is None else SET, value)
    return IncrementalAlterConfigsRequest(resources=[AlterConfigsResource(kind, name, [change])])


def holds(value: str) -> Callable[[Any], bool]:
    """Whether the only config that was asked for has this value."""
    return lambda answer: [each.value for each in answer.results[0].configs] == [value]


@scenario(ApiKey.DESCRIBE_CONFIGS, since=1)
def another_brokers(k: ClusterSession) -> None:
    for asked in BROKERS:
        for named in ("0", "1", "2", "9", ""):
            k.send(asked, describe(BROKER, named, "broker.rack", "num.io.threads"))


@scenario(ApiKey.DESCRIBE_CONFIGS, newest_only=True)
def a_topics(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1], configs={"retention.ms": "70000"})
    for broker in BROKERS:
        k.send(broker, describe(TOPIC, topic.name, "retention.ms", "retention.bytes"))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS, newest_only=True)
def a_topics_are_altered_anywhere(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for number, altering in enumerate(BROKERS):
        k.send(altering, alter(TOPIC, topic.name, "retention.bytes", f"{number + 5}0000"))
        for asked in BROKERS:
            k.send(asked, describe(TOPIC, topic.name, "retention.bytes"), until=holds(f"{number + 5}0000"))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS, newest_only=True)
def a_brokers_by_itself(k: ClusterSession) -> None:
    key = "log.cleaner.backoff.ms"
    for asked in BROKERS:
        k.send(asked, alter(BROKER, "2", key, "14000"))
    k.send(2, describe(BROKER, "2", key), until=holds("14000"))
    k.send(0, describe(BROKER, "0", key))
    k.send(2, alter(BROKER, "2", key, None))
    k.send(2, describe(BROKER, "2", key), until=holds("15000"))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS, newest_only=True)
def everybodys_by_anybody(k: ClusterSession) -> None:
    key = "background.threads"
    k.send(1, alter(BROKER, "", key, "12"))
    for asked in BROKERS:
        k.send(asked, describe(BROKER, str(asked), key), until=holds("12"))
    k.send(2, alter(BROKER, "", key, None))
    for asked in BROKERS:
        k.send(asked, describe(BROKER, str(asked), key), until=holds("10"))
