"""AlterConfigs: all configs of a resource are set anew."""

from compat.judge import Session, scenario
from compat.scenarios.describe_configs import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.alter_configs_request import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
)
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)

Configs = dict[str, str | None]

NO_ZNODE = (
    "\ufffd", "\x00", "x\x01", "\x7f", "\ue000", "\U0001f642",
    ".", "..", "a/b", "a//b", "a/", "/a", "a/./b", "a/../b",
)  # fmt: skip
"""Names that ZooKeeper allows in no path, or that mean another node; Kafka 3.9 makes paths of them."""


def resource(kind: int, name: str, configs: Configs) -> AlterConfigsResource:
    rows = [AlterableConfig(name=key, value=value) for key, value in configs.items()]
    return AlterConfigsResource(resource_type=kind, resource_name=name, configs=rows)


def alter(kind: int, name: str, configs: Configs, *, validate_only: bool = False) -> AlterConfigsRequest:
    return AlterConfigsRequest(resources=[resource(kind, name, configs)], validate_only=validate_only)


def described(k: Session, name: str, *keys: str) -> None:
    asked = DescribeConfigsResource(resource_type=TOPIC, resource_name=name, configuration_keys=list(keys))
    k.wait(0.1)
    k.send(DescribeConfigsRequest(resources=[asked], include_synonyms=True))


@scenario(ApiKey.ALTER_CONFIGS)
def of_a_topic(k: Session) -> None:
    topic = k.create_topic(configs={"retention.ms": "5000"})
    k.send(alter(TOPIC, topic.name, {"segment.bytes": "2000000"}))
    described(k, topic.name, "retention.ms", "segment.bytes")
    k.send(alter(TOPIC, topic.name, {}))
    described(k, topic.name, "retention.ms", "segment.bytes")


@scenario(ApiKey.ALTER_CONFIGS)
def wrong_values(k: Session) -> None:
    topic = k.create_topic()
    wrong: list[Configs] = [
        {"retention.ms": "x"},
        {"retention.ms": "-2"},
        {"no.such.config": "1"},
        {"retention.ms": None},
        {"cleanup.policy": "shred"},
        {"segment.bytes": "1", "retention.ms": "5"},
        {"": "x"},
        {"min.insync.replicas": ""},
    ]
    for configs in wrong:
        k.send(alter(TOPIC, topic.name, configs))
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.ALTER_CONFIGS)
def only_validated(k: Session) -> None:
    topic = k.create_topic()
    k.send(alter(TOPIC, topic.name, {"retention.ms": "5"}, validate_only=True))
    k.send(alter(TOPIC, topic.name, {"retention.ms": "x"}, validate_only=True))
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.ALTER_CONFIGS)
def unknown_topics(k: Session) -> None:
    for name in (k.name(), "", "a b"):
        k.send(alter(TOPIC, name, {"retention.ms": "5"}))


@scenario(ApiKey.ALTER_CONFIGS)
def brokers(k: Session) -> None:
    for name in ("7", "x"):
        k.send(alter(BROKER, name, {"log.retention.ms": "5"}))
    for configs in ({"num.io.threads": "x"}, {"broker.id": "3"}, {"no.such.config": "1"}):
        k.send(alter(BROKER, "0", dict(configs), validate_only=True))
    k.send(alter(BROKER, "0", {"log.retention.ms": "5000000"}, validate_only=True))
    k.send(alter(BROKER, "", {"log.retention.ms": "5000000"}, validate_only=True))


@scenario(ApiKey.ALTER_CONFIGS)
def other_types(k: Session) -> None:
    for kind in (0, 1, 3, BROKER_LOGGER, 64, -1):
        k.send(alter(kind, "0", {"x": "y"}))
    for kind in (CLIENT_METRICS, GROUP):
        k.send(alter(kind, k.name(), {"x": "y"}))


@scenario(ApiKey.ALTER_CONFIGS)
def several_resources(k: Session) -> None:
    one, two = k.create_topic("b"), k.create_topic("a")
    resources = [
        resource(TOPIC, one.name, {"retention.ms": "1"}),
        resource(TOPIC, k.name("none"), {"retention.ms": "1"}),
        resource(TOPIC, two.name, {"retention.ms": "x"}),
    ]
    k.send(AlterConfigsRequest(resources=resources), unordered="responses")
    k.send(AlterConfigsRequest(resources=[]))


@scenario(ApiKey.ALTER_CONFIGS)
def the_same_resource_twice(k: Session) -> None:
    topic = k.create_topic()
    twice = [resource(TOPIC, topic.name, {"retention.ms": value}) for value in ("1", "2")]
    k.take(k.post(AlterConfigsRequest(resources=twice), patience_s=3))
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.ALTER_CONFIGS)
def the_same_config_twice(k: Session) -> None:
    topic = k.create_topic()
    request = alter(TOPIC, topic.name, {"retention.ms": "1"})
    request.resources[0].configs.append(AlterableConfig(name="retention.ms", value="2"))
    k.send(request)
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.ALTER_CONFIGS)
def names_that_no_znode_can_have(k: Session) -> None:
    for name in NO_ZNODE:
        k.send(alter(TOPIC, name, {"retention.ms": "5000"}))
