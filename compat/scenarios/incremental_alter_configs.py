"""IncrementalAlterConfigs: set, delete, append, subtract."""

from compat.judge import Session, scenario
from compat.scenarios.alter_configs import NO_ZNODE, described
from compat.scenarios.describe_configs import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.incremental_alter_configs_request import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
Change = tuple[str, int, str | None]


def resource(kind: int, name: str, *changes: Change) -> AlterConfigsResource:
    rows = [AlterableConfig(name=key, config_operation=verb, value=value) for key, verb, value in changes]
    return AlterConfigsResource(resource_type=kind, resource_name=name, configs=rows)


def alter(
    kind: int, name: str, *changes: Change, validate_only: bool = False
) -> IncrementalAlterConfigsRequest:
    return IncrementalAlterConfigsRequest(
        resources=[resource(kind, name, *changes)], validate_only=validate_only
    )


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def every_operation(k: Session) -> None:
    topic = k.create_topic(configs={"retention.ms": "5000"})
    steps: list[tuple[Change, ...]] = [
        (("segment.bytes", SET, "2000000"),),
        (("retention.ms", DELETE, None),),
        (("cleanup.policy", APPEND, "compact"),),
        (("cleanup.policy", APPEND, "compact"),),
        (("cleanup.policy", SUBTRACT, "delete"),),
        (("cleanup.policy", SUBTRACT, "delete"),),
        (("segment.bytes", DELETE, None), ("retention.ms", SET, "7")),
        (("retention.ms", DELETE, "7"),),
        (("retention.ms", DELETE, None),),
    ]
    for changes in steps:
        k.send(alter(TOPIC, topic.name, *changes))
        described(k, topic.name, "retention.ms", "segment.bytes", "cleanup.policy")


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def wrong_changes(k: Session) -> None:
    topic = k.create_topic()
    wrong: list[tuple[Change, ...]] = [
        (("retention.ms", SET, "x"),),
        (("retention.ms", SET, None),),
        (("retention.ms", SET, "-2"),),
        (("retention.ms", APPEND, "5"),),
        (("retention.ms", SUBTRACT, "5"),),
        (("retention.ms", 9, "5"),),
        (("retention.ms", -1, "5"),),
        (("no.such.config", SET, "5"),),
        (("no.such.config", DELETE, None),),
        (("no.such.config", APPEND, "x"),),
        (("cleanup.policy", APPEND, "shred"),),
        (("cleanup.policy", APPEND, None),),
        (("cleanup.policy", SET, ""),),
        (("cleanup.policy", SUBTRACT, "delete"),),
        (("retention.ms", SET, "1"), ("retention.ms", SET, "2")),
        (("retention.ms", SET, "1"), ("retention.ms", DELETE, None)),
        (("retention.ms", SET, "1"), ("segment.bytes", SET, "1")),
        (("", SET, "1"),),
        (),
    ]
    for changes in wrong:
        k.send(alter(TOPIC, topic.name, *changes))
    described(k, topic.name, "retention.ms", "cleanup.policy")


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def only_validated(k: Session) -> None:
    topic = k.create_topic()
    k.send(alter(TOPIC, topic.name, ("retention.ms", SET, "5"), validate_only=True))
    k.send(alter(TOPIC, topic.name, ("retention.ms", SET, "x"), validate_only=True))
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def unknown_topics(k: Session) -> None:
    for name in (k.name(), "", "a b"):
        k.send(alter(TOPIC, name, ("retention.ms", SET, "5")))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def brokers(k: Session) -> None:
    for name in ("7", "x", "-1"):
        k.send(alter(BROKER, name, ("log.retention.ms", SET, "5")))
    changes: list[Change] = [
        ("log.retention.ms", SET, "5000000"),
        ("log.retention.ms", SET, "x"),
        ("log.retention.ms", DELETE, None),
        ("log.cleanup.policy", APPEND, "compact"),
        ("num.io.threads", SET, "9"),
        ("num.io.threads", SET, "0"),
        ("num.io.threads", SET, "1000"),
        ("broker.id", SET, "3"),
        ("zookeeper.connect", SET, "x"),
        ("no.such.config", SET, "1"),
        ("max.connections.per.ip", SET, "5"),
        ("listeners", SET, "x"),
        ("ssl.keystore.location", SET, "x"),
    ]
    for change in changes:
        k.send(alter(BROKER, "0", change, validate_only=True))
        k.send(alter(BROKER, "", change, validate_only=True))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def loggers(k: Session) -> None:
    root = "root" if k.release >= "4" else "kafka"
    for change in (("no.such.logger", SET, "INFO"), (root, SET, "LOUD"), (root, APPEND, "INFO")):
        k.send(alter(BROKER_LOGGER, "0", change))
    k.send(alter(BROKER_LOGGER, "0", (root, SET, "INFO"), validate_only=True))
    for name in ("7", "", "x"):
        k.send(alter(BROKER_LOGGER, name, (root, SET, "INFO")))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def other_types(k: Session) -> None:
    for kind in (0, 1, 3, 64, -1):
        k.send(alter(kind, "0", ("x", SET, "y")))
    for kind in (CLIENT_METRICS, GROUP):
        k.send(alter(kind, k.name(), ("x", SET, "y")))
        k.send(alter(kind, "", ("x", SET, "y")))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def several_resources(k: Session) -> None:
    one, two = k.create_topic("b"), k.create_topic("a")
    resources = [
        resource(TOPIC, one.name, ("retention.ms", SET, "1")),
        resource(TOPIC, k.name("none"), ("retention.ms", SET, "1")),
        resource(TOPIC, two.name, ("retention.ms", SET, "x")),
    ]
    k.send(IncrementalAlterConfigsRequest(resources=resources), unordered="responses")
    k.send(IncrementalAlterConfigsRequest(resources=[]))


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def the_same_resource_twice(k: Session) -> None:
    topic = k.create_topic()
    twice = [resource(TOPIC, topic.name, ("retention.ms", SET, value)) for value in ("1", "2")]
    k.send(IncrementalAlterConfigsRequest(resources=twice))
    described(k, topic.name, "retention.ms")


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS, newest_only=True)
def a_smaller_limit_works_at_once(k: Session) -> None:
    topic = k.create_topic()
    k.send(alter(TOPIC, topic.name, ("max.message.bytes", SET, "100")))
    described(k, topic.name, "max.message.bytes")


@scenario(ApiKey.INCREMENTAL_ALTER_CONFIGS)
def names_that_no_znode_can_have(k: Session) -> None:
    for name in NO_ZNODE:
        k.send(alter(TOPIC, name, ("retention.ms", SET, "5000")))
    k.send(alter(TOPIC, NO_ZNODE[0], ("no.such.config", APPEND, "5")))
