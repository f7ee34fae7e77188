"""Changes of configs, and what real Kafka answered: 3.9.2 in ZooKeeper mode, and 4.3.0 where that differs.

All were asked with validate_only, of broker 0 with a topic `t` and otherwise default configs; they are
asked again of real brokers by `test_config_oracle`, and of our own by the tests of both APIs.
"""

# ruff: noqa: E501 (an answer in one piece can be searched for)

from __future__ import annotations

from typing import NamedTuple

from odradek.api.config_resources import ResourceType
from odradek.config.alteration import Change, Operation

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = ResourceType
SET, DELETE, APPEND, SUBTRACT = Operation

Answer = tuple[int, str | None]


class Scenario(NamedTuple):
    """One resource's changes, the answer of 3.9.2 (error code, text), and that of 4.3.0 if it is another."""

    kind: int
    name: str
    changes: list[Change]
    answer: Answer
    answer_of_4: Answer | None = None
    incremental: bool = True

    def __str__(self) -> str:
        """Short enough for a test's name."""
        return repr(self)[:200]

    def expected(self, release: str) -> Answer:
        return self.answer_of_4 or self.answer if release.startswith("4") else self.answer


# fmt: off
SCENARIOS = [
    Scenario(TOPIC, "t", [Change("retention.ms", SET, "5")], (0, None)),
    Scenario(TOPIC, "t", [Change("retention.ms", SET, "x")], (40, "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value x for configuration retention.ms: Not a number of type LONG"), (40, "Invalid value x for configuration retention.ms: Not a number of type LONG")),
    Scenario(TOPIC, "t", [Change("retention.ms", SET, "-9")], (40, "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value -9 for configuration retention.ms: Value must be at least -1"), (40, "Invalid value -9 for configuration retention.ms: Value must be at least -1")),
    Scenario(TOPIC, "t", [Change("bogus", SET, "1")], (40, "Unknown topic config name: bogus")),
    Scenario(TOPIC, "t", [Change("bogus", APPEND, "1")], (-1, None), (40, "Can't APPEND to key bogus because its type is not LIST.")),
    Scenario(TOPIC, "t", [Change("bogus", DELETE, None)], (0, None)),
    Scenario(TOPIC, "t", [Change("retention.ms", SET, None)], (42, "Null value not supported for : retention.ms")),
    Scenario(TOPIC, "t", [Change("retention.ms", SET, "1"), Change("retention.ms", SET, "2")], (42, "Error due to duplicate config keys")),
    Scenario(TOPIC, "t", [Change("retention.ms", APPEND, "1")], (40, "Config value append is not allowed for config key: retention.ms"), (40, "Can't APPEND to key retention.ms because its type is not LIST.")),
    Scenario(TOPIC, "t", [Change("retention.ms", SUBTRACT, "1")], (40, "Config value subtract is not allowed for config key: retention.ms"), (40, "Can't SUBTRACT to key retention.ms because its type is not LIST.")),
    Scenario(TOPIC, "t", [Change("retention.ms", 9, "1")], (-1, None)),
    Scenario(TOPIC, "t", [Change("cleanup.policy", APPEND, "compact")], (0, None)),
    Scenario(TOPIC, "t", [Change("cleanup.policy", SUBTRACT, "delete")], (0, None)),
    Scenario(TOPIC, "t", [Change("cleanup.policy", SET, "x,compact")], (40, "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value x for configuration cleanup.policy: String must be one of: compact, delete"), (40, "Invalid value x for configuration cleanup.policy: String must be one of: compact, delete")),
    Scenario(TOPIC, "t", [Change("cleanup.policy", SET, "compact,compact")], (0, None)),
    Scenario(TOPIC, "nope", [Change("retention.ms", SET, "5")], (3, "The topic 'nope' does not exist.")),
    Scenario(TOPIC, "nope", [Change("retention.ms", SET, "x")], (3, "The topic 'nope' does not exist."), (40, "Invalid value x for configuration retention.ms: Not a number of type LONG")),
    Scenario(TOPIC, "", [Change("retention.ms", SET, "5")], (42, "Default topic resources are not allowed.")),
    Scenario(TOPIC, "a b", [Change("retention.ms", SET, "5")], (3, "The topic 'a b' does not exist."), (17, "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")),
    Scenario(TOPIC, "t", [Change("min.compaction.lag.ms", SET, "10"), Change("max.compaction.lag.ms", SET, "5")], (40, "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)")),
    Scenario(TOPIC, "t", [Change("remote.storage.enable", SET, "true")], (40, "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."), (40, "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")),
    Scenario(TOPIC, "t", [Change("remote.log.copy.disable", SET, "true")], (40, "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode."), (0, None)),
    Scenario(TOPIC, "t", [Change("segment.bytes", SET, "100")], (0, None), (40, "Invalid value 100 for configuration segment.bytes: Value must be at least 1048576")),
    Scenario(BROKER, "0", [Change("log.retention.ms", SET, "100")], (0, None)),
    Scenario(BROKER, "", [Change("num.io.threads", SET, "9")], (0, None)),
    Scenario(BROKER, "0", [Change("num.io.threads", SET, "100")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=100, value should not be greater than double the current value 8 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "0", [Change("num.io.threads", SET, "1")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=1, value should be at least half the current value 8 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "0", [Change("num.io.threads", SET, "0")], (42, "Invalid value 0 for configuration num.io.threads: Value must be at least 1")),
    Scenario(BROKER, "0", [Change("num.io.threads", SET, "x")], (42, "Invalid value x for configuration num.io.threads: Not a number of type INT")),
    Scenario(BROKER, "0", [Change("broker.id", SET, "5")], (42, "Cannot update these configs dynamically: Set(broker.id)"), (42, "Cannot update these configs dynamically: [broker.id]")),
    Scenario(BROKER, "0", [Change("zookeeper.connect", SET, "x")], (42, "Cannot update these configs dynamically: Set(zookeeper.connect)"), (0, None)),
    Scenario(BROKER, "0", [Change("my.custom", SET, "x")], (0, None)),
    Scenario(BROKER, "", [Change("listeners", SET, "PLAINTEXT://:1")], (42, "Cannot update these configs at default cluster level, broker id must be specified: Set(listeners)"), (42, "Cannot update these configs at default cluster level, broker id must be specified: [listeners]")),
    Scenario(BROKER, "0", [Change("ssl.keystore.location", SET, "x")], (42, "These security configs can be dynamically updated only per-listener using the listener prefix: HashSet(ssl.keystore.location)"), (42, "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]")),
    Scenario(BROKER, "", [Change("listener.name.plaintext.ssl.keystore.location", SET, "x")], (42, "Cannot update these configs at default cluster level, broker id must be specified: Set(listener.name.plaintext.ssl.keystore.location)"), (42, "Cannot update these configs at default cluster level, broker id must be specified: [listener.name.plaintext.ssl.keystore.location]")),
    Scenario(BROKER, "0", [Change("listener.name.plaintext.max.connections", SET, "55")], (0, None)),
    Scenario(BROKER, "", [Change("log.cleaner.threads", SET, "10")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads cannot be increased to more than double the current value 1 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "", [Change("log.cleaner.threads", SET, "0")], (42, "/ by zero")),
    Scenario(BROKER, "", [Change("log.cleaner.min.compaction.lag.ms", SET, "10"), Change("log.cleaner.max.compaction.lag.ms", SET, "5")], (0, None)),
    Scenario(BROKER, "", [Change("log.retention.ms", SET, "0")], (42, "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1")),
    Scenario(BROKER, "", [Change("log.local.retention.ms", SET, "20000000000")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Invalid value 20000000000 for configuration log.local.retention.ms: Value must not be more than log.retention.ms property value: 604800000 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "", [Change("log.local.retention.ms", SET, "-1")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Invalid value -1 for configuration log.local.retention.ms: Value must not be -1 as log.retention.ms value is set as 604800000. for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "", [Change("max.connections.per.ip", SET, "0")], (42, "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.")),
    Scenario(BROKER, "", [Change("max.connections.per.ip.overrides", SET, "a b:5")], (42, "max.connections.per.ip.overrides contains invalid addresses : a b")),
    Scenario(BROKER, "", [Change("listener.name.plaintext.max.connections", SET, "0")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Invalid max.connections 0 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "0", [Change("listener.name.plaintext.max.connections", SET, "x")], (42, "Invalid value x for configuration max.connections: Not a number of type INT")),
    Scenario(BROKER, "", [Change("listener.name.plaintext.max.connection.creation.rate", SET, "0")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Invalid max.connection.creation.rate 0 for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "0", [Change("listener.name.plaintext.max.connection.creation.rate", SET, "x")], (42, "Invalid value x for configuration max.connection.creation.rate: Not a number of type INT")),
    Scenario(BROKER, "0", [Change("listener.name.other.max.connections", SET, "-5")], (42, "Invalid value -5 for configuration max.connections: Value must be at least 0")),
    Scenario(BROKER, "", [Change("max.connections.per.ip.overrides", SET, "localhost")], (42, "Error parsing configuration property 'max.connections.per.ip.overrides': begin 0, end -1, length 9")),
    Scenario(BROKER, "", [Change("max.connections.per.ip.overrides", SET, "localhost:99999999999")], (42, 'For input string: "99999999999"')),
    Scenario(BROKER, "", [Change("max.connections.per.ip.overrides", SET, "localhost:5, 127.0.0.1: abc")], (42, 'For input string: "abc"')),
    Scenario(BROKER, "", [Change("max.connections.per.ip.overrides", SET, "localhost:+5,127.0.0.1: -1")], (0, None)),
    Scenario(BROKER, "", [Change("num.io.threads", SET, "0" * 5000 + "9")], (0, None)),
    Scenario(BROKER, "", [Change("num.io.threads", SET, "9" * 5000)], (42, f"Invalid value {'9' * 5000} for configuration num.io.threads: Not a number of type INT")),
    Scenario(BROKER, "", [Change("message.max.bytes", SET, "-5")], (42, "Invalid value -5 for configuration message.max.bytes: Value must be at least 0")),
    Scenario(BROKER, "", [Change("log.cleanup.policy", APPEND, "compact")], (0, None)),
    Scenario(BROKER, "", [Change("num.io.threads", APPEND, "1")], (40, "Config value append is not allowed for config key: num.io.threads")),
    Scenario(BROKER, "", [Change("bogus", APPEND, "1")], (-1, None), (40, "Unknown config name: bogus")),
    Scenario(BROKER, "99", [Change("log.retention.ms", SET, "100")], (42, "Unexpected broker id, expected 0, but received 99")),
    Scenario(BROKER, "abc", [Change("log.retention.ms", SET, "100")], (42, "Node id must be an integer, but it is: abc")),
    Scenario(BROKER, "0", [Change("log.retention.ms", 9, "1")], (42, "Unknown operations type 9")),
    Scenario(BROKER, "0", [Change("leader.replication.throttled.rate", SET, "-10")], (42, "Invalid value -10 for configuration leader.replication.throttled.rate: Value must be at least 0")),
    Scenario(BROKER, "0", [Change("metric.reporters", SET, "a.b.C")], (42, "Invalid value org.apache.kafka.common.config.ConfigException: Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters for configuration Invalid dynamic configuration")),
    Scenario(BROKER, "0", [Change("compression.type", SET, "foo")], (42, "Invalid value foo for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer")),
    Scenario(BROKER, "0", [Change("advertised.listeners", SET, "FOO://localhost:1")], (42, "Error creating broker listeners from 'FOO://localhost:1': No security protocol defined for listener FOO"), (42, "Cannot update these configs dynamically: [advertised.listeners]")),
    Scenario(BROKER, "0", [Change("min.insync.replicas", SET, "2")], (0, None), (40, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.")),
    Scenario(BROKER, "", [Change("min.insync.replicas", DELETE, None)], (0, None), (40, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")),
    Scenario(BROKER_LOGGER, "0", [Change("root", SET, "DEBUG")], (0, None)),
    Scenario(BROKER_LOGGER, "0", [Change("nope.nope", SET, "INFO")], (40, "Logger nope.nope does not exist!")),
    Scenario(BROKER_LOGGER, "0", [Change("root", SET, "LOUD")], (40, "Cannot set the log level of root to LOUD as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN")),
    Scenario(BROKER_LOGGER, "0", [Change("root", SET, "debug")], (40, "Cannot set the log level of root to debug as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN")),
    Scenario(BROKER_LOGGER, "0", [Change("root", DELETE, None)], (42, "Removing the log level of the root logger is not allowed")),
    Scenario(BROKER_LOGGER, "0", [Change("root", APPEND, "INFO")], (42, "APPEND operation is not allowed for the BROKER_LOGGER resource")),
    Scenario(BROKER_LOGGER, "0", [Change("root", SUBTRACT, "INFO")], (42, "SUBTRACT operation is not allowed for the BROKER_LOGGER resource")),
    Scenario(BROKER_LOGGER, "0", [Change("root", 7, "INFO")], (-1, None)),
    Scenario(BROKER_LOGGER, "", [Change("root", SET, "INFO")], (42, "Node id must be an integer, but it is: ")),
    Scenario(BROKER_LOGGER, "9", [Change("root", SET, "INFO")], (42, "Unexpected node id. Expected 0, but received 0"), (42, "Unexpected node id. Expected 0, but received 9")),
    Scenario(BROKER_LOGGER, "x", [Change("root", SET, "INFO")], (42, "Node id must be an integer, but it is: x")),
    Scenario(CLIENT_METRICS, "s", [Change("interval.ms", SET, "1000")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (0, None)),
    Scenario(CLIENT_METRICS, "", [Change("interval.ms", SET, "1000")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (42, "Subscription name can't be empty")),
    Scenario(CLIENT_METRICS, "s", [Change("interval.ms", SET, "1")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (42, "Invalid value 1 for interval.ms, interval must be between 100 and 3600000 (1 hour)")),
    Scenario(CLIENT_METRICS, "s", [Change("interval.ms", SET, "x")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (40, "Invalid value x for configuration interval.ms: Not a number of type INT")),
    Scenario(CLIENT_METRICS, "s", [Change("bogus", SET, "1")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (42, "Unknown client metrics configuration: bogus")),
    Scenario(CLIENT_METRICS, "s", [Change("match", SET, "x")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (40, "Illegal client matching pattern: x")),
    Scenario(CLIENT_METRICS, "s", [Change("match", SET, "client_id=a.*")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (0, None)),
    Scenario(CLIENT_METRICS, "s", [Change("metrics", APPEND, "x")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (40, "Can't APPEND to key metrics because its type is not LIST.")),
    Scenario(GROUP, "g", [Change("consumer.session.timeout.ms", SET, "50000")], (42, "Unknown resource type 32"), (0, None)),
    Scenario(GROUP, "", [Change("consumer.session.timeout.ms", SET, "50000")], (42, "Unknown resource type 32"), (42, "Default group resources are not allowed.")),
    Scenario(GROUP, "g", [Change("consumer.session.timeout.ms", SET, "1")], (42, "Unknown resource type 32"), (40, "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms")),
    Scenario(GROUP, "g", [Change("consumer.heartbeat.interval.ms", SET, "9000000")], (42, "Unknown resource type 32"), (40, "consumer.heartbeat.interval.ms must be less than or equal to group.consumer.max.heartbeat.interval.ms")),
    Scenario(GROUP, "g", [Change("bogus", SET, "1")], (42, "Unknown resource type 32"), (40, "Unknown group config name: bogus")),
    Scenario(GROUP, "g", [Change("consumer.session.timeout.ms", SET, "x")], (42, "Unknown resource type 32"), (40, "Invalid value x for configuration consumer.session.timeout.ms: Not a number of type INT")),
    Scenario(GROUP, "g", [Change("share.auto.offset.reset", SET, "x")], (42, "Unknown resource type 32"), (40, "Invalid value x for configuration share.auto.offset.reset: Invalid value `x` for configuration share.auto.offset.reset. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.")),
    Scenario(GROUP, "g", [Change("share.isolation.level", SET, "x")], (42, "Unknown resource type 32"), (40, "Invalid value x for configuration share.isolation.level: String must be one of: read_committed, read_uncommitted")),
    Scenario(64, "g", [Change("a", SET, "1")], (42, "Unknown resource type 64")),
    Scenario(TOPIC, "t", [Change("retention.bytes", SET, "7")], (0, None), incremental=False),
    Scenario(TOPIC, "t", [Change("retention.bytes", SET, None)], (42, "Null value not supported for : retention.bytes"), incremental=False),
    Scenario(TOPIC, "nope", [], (3, "The topic 'nope' does not exist."), incremental=False),
    Scenario(TOPIC, "t", [Change("x", SET, "1")], (40, "Unknown topic config name: x"), incremental=False),
    Scenario(TOPIC, "t", [Change("retention.bytes", SET, "y")], (40, "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value y for configuration retention.bytes: Not a number of type LONG"), (40, "Invalid value y for configuration retention.bytes: Not a number of type LONG"), incremental=False),
    Scenario(TOPIC, "t", [Change("retention.bytes", SET, "1"), Change("retention.bytes", SET, "2")], (42, "Error due to duplicate config keys"), incremental=False),
    Scenario(TOPIC, "", [], (42, "Default topic resources are not allowed."), incremental=False),
    Scenario(BROKER, "", [], (0, None), (40, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."), incremental=False),
    Scenario(BROKER, "0", [], (0, None), incremental=False),
    Scenario(BROKER, "0", [Change("broker.id", SET, "1")], (42, "Cannot update these configs dynamically: Set(broker.id)"), (42, "Cannot update these configs dynamically: [broker.id]"), incremental=False),
    Scenario(BROKER, "0", [Change("num.io.threads", SET, "x")], (42, "Invalid value x for configuration num.io.threads: Not a number of type INT"), incremental=False),
    Scenario(BROKER, "77", [Change("num.io.threads", SET, "9")], (42, "Unexpected broker id, expected 0, but received 77"), incremental=False),
    Scenario(BROKER_LOGGER, "0", [Change("root", SET, "INFO")], (42, "Unknown resource type 8"), incremental=False),
    Scenario(CLIENT_METRICS, "s", [Change("interval.ms", SET, "5000")], (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"), (0, None), incremental=False),
    Scenario(GROUP, "g", [Change("consumer.session.timeout.ms", SET, "46000")], (42, "Unknown resource type 32"), (0, None), incremental=False),
    Scenario(64, "g", [Change("a", SET, "1")], (42, "Unknown resource type 64"), incremental=False),
]
# fmt: on
