"""DescribeConfigs: topics, brokers and loggers, whole and by name."""

from collections.abc import Callable
from typing import Any

from compat.judge import Session, scenario
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

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


def describe(kind: int, name: str, keys: list[str] | None = None, **fields: Any) -> DescribeConfigsRequest:
    asked = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
    return DescribeConfigsRequest(resources=[asked], **fields)


def shows(value: str) -> Callable[[object], bool]:
    return lambda answer: f"'{value}'" in repr(answer)


def set_config(k: Session, kind: int, name: str, key: str, value: str) -> None:
    change = AlterConfigsResource(
        resource_type=kind, resource_name=name, configs=[AlterableConfig(name=key, value=value)]
    )
    k.send(IncrementalAlterConfigsRequest(resources=[change]))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def all_of_a_topic(k: Session) -> None:
    topic = k.create_topic(configs={"retention.ms": "5000", "cleanup.policy": "compact"})
    k.send(describe(TOPIC, topic.name, include_synonyms=k.version >= 1))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def all_of_the_broker(k: Session) -> None:
    k.send(describe(BROKER, "0"))


@scenario(ApiKey.DESCRIBE_CONFIGS, since=1)
def all_of_the_broker_with_synonyms(k: Session) -> None:
    k.send(describe(BROKER, "0", include_synonyms=True))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def the_default_of_all_brokers(k: Session) -> None:
    k.send(describe(BROKER, "", include_synonyms=k.version >= 1))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def some_by_name(k: Session) -> None:
    topic = k.create_topic(configs={"retention.ms": "5000"})
    wanted = ["retention.ms", "no.such.config", "segment.bytes", "retention.ms"]
    k.send(describe(TOPIC, topic.name, wanted))
    k.send(describe(TOPIC, topic.name, []))
    k.send(describe(BROKER, "0", ["num.io.threads", "log.retention.ms", "unclean", ""]))


@scenario(ApiKey.DESCRIBE_CONFIGS, since=3)
def documentation(k: Session) -> None:
    topic = k.create_topic()
    k.send(describe(TOPIC, topic.name, ["retention.ms", "segment.bytes"], include_documentation=True))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def unknown_topics(k: Session) -> None:
    for name in (k.name(), "", "a b"):
        k.send(describe(TOPIC, name))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def unknown_brokers(k: Session) -> None:
    for name in ("7", "x", "-1"):
        k.send(describe(BROKER, name, ["num.io.threads"]))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def types_that_do_not_exist(k: Session) -> None:
    for kind in (0, 1, 3, 64, -1):
        k.send(describe(kind, "x"))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def client_metrics_and_groups(k: Session) -> None:
    for kind in (CLIENT_METRICS, GROUP):
        k.send(describe(kind, k.name()))
        k.send(describe(kind, ""))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def loggers(k: Session) -> None:
    k.send(describe(BROKER_LOGGER, "0", ["no.such.logger"]))
    k.send(describe(BROKER_LOGGER, "7"))
    k.send(describe(BROKER_LOGGER, ""))
    k.send(describe(BROKER_LOGGER, "x"))


@scenario(ApiKey.DESCRIBE_CONFIGS)
def several_resources(k: Session) -> None:
    topic = k.create_topic()
    asked = [
        DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=["retention.ms"])
        for kind, name in ((TOPIC, topic.name), (BROKER, "0"), (TOPIC, k.name("none")), (TOPIC, topic.name))
    ]
    k.send(DescribeConfigsRequest(resources=asked))
    k.send(DescribeConfigsRequest(resources=[]))


@scenario(ApiKey.DESCRIBE_CONFIGS, newest_only=True)
def after_each_change(k: Session) -> None:
    topic = k.create_topic()
    asked = describe(TOPIC, topic.name, ["retention.ms", "segment.bytes"], include_synonyms=True)
    k.send(asked)
    for key, value in (("retention.ms", "1"), ("segment.bytes", "2000000"), ("retention.ms", "604800000")):
        set_config(k, TOPIC, topic.name, key, value)
        k.send(asked, until=shows(value))


@scenario(
    ApiKey.DESCRIBE_CONFIGS, newest_only=True, broker={"log.retention.hours": "5", "num.partitions": "2"}
)
def after_each_change_of_the_broker(k: Session) -> None:
    topic = k.create_topic()
    of_topic = describe(TOPIC, topic.name, ["retention.ms", "segment.bytes"], include_synonyms=True)
    of_broker = describe(BROKER, "0", ["log.retention.ms", "log.segment.bytes"], include_synonyms=True)
    k.send(of_topic)
    k.send(of_broker)
    for name in ("", "0"):
        set_config(k, BROKER, name, "log.retention.ms", f"700{name}")
        k.send(of_topic, until=shows(f"700{name}"))
        k.send(of_broker)
    k.send(describe(BROKER, "", include_synonyms=True))


@scenario(ApiKey.DESCRIBE_CONFIGS, newest_only=True, restarts=True)
def after_a_restart(k: Session) -> None:
    topic = k.create_topic(configs={"retention.ms": "5000"})
    set_config(k, TOPIC, topic.name, "segment.bytes", "2000000")
    k.restart_broker()
    k.send(describe(TOPIC, topic.name, ["retention.ms", "segment.bytes"], include_synonyms=True))
