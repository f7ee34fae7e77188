"""What configs must say together: the checks that look at more than one value.

Kafka's own texts; those that begin with "requirement failed" are Scala's `require`.
Source: KafkaConfig.validateValues, GroupCoordinatorConfig, DynamicBrokerConfig and its reconfigurables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odradek.config.broker_versions import latest_of
from odradek.config.definition import ConflictingConfig
from odradek.config.topic_config import retention_ms, roll_jitter_ms, roll_ms

if TYPE_CHECKING:
    from odradek.config.broker_config import BrokerConfig

_MEGABYTE = 1024 * 1024


def check_values(config: BrokerConfig) -> None:
    """Refuse what Kafka would not start with. Raises ConflictingConfig."""
    _check_node_id(config)
    _check_log(config)
    _check_replication(config)
    _check_listeners(config)
    _check_protocol_versions(config)
    _check_sockets(config)
    _check_groups(config)


def check_dynamic_values(config: BrokerConfig) -> None:
    """Refuse dynamic configs that Kafka accepts in a file only. Raises ConflictingConfig."""
    _check_local_retention(config)
    expiration = config.int("producer.id.expiration.ms") if _has(config, "producer.id.expiration.ms") else 0
    if expiration < 0:
        raise ConflictingConfig(
            "producer.id.expiration.ms",
            expiration,
            f"producer.id.expiration.ms cannot be less than 0, and new value is {expiration}",
        )


def _require(config: BrokerConfig, condition: bool, name: str, value: object, message: str) -> None:
    """Kafka's `require`: Scala's, which says so in front, up to 3.9 and Java's from 4.0 on."""
    if not condition:
        prefix = "requirement failed: " if config.release.zookeeper else ""
        raise ConflictingConfig(name, value, f"{prefix}{message}")


def _has(config: BrokerConfig, name: str) -> bool:
    return name in config.definitions


def _check_node_id(config: BrokerConfig) -> None:
    broker_id = config.int("broker.id")
    if _has(config, "node.id") and config.int("node.id") != broker_id:
        message = "You must set `node.id` to the same value as `broker.id`."
        raise ConflictingConfig("node.id", config.int("node.id"), message)
    if not config.release.zookeeper or not config.bool("broker.id.generation.enable"):
        _require(
            config, broker_id >= 0, "broker.id", broker_id, "broker.id must be greater than or equal to 0"
        )
        return
    if config.list("process.roles"):
        return
    _require(
        config,
        -1 <= broker_id <= config.int("reserved.broker.max.id"),
        "broker.id",
        broker_id,
        "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id",
    )


def _check_log(config: BrokerConfig) -> None:
    roll, jitter, retention = roll_ms(config), roll_jitter_ms(config), retention_ms(config)
    _require(config, roll >= 1, "log.roll.ms", roll, "log.roll.ms must be greater than or equal to 1")
    _require(
        config,
        jitter >= 0,
        "log.roll.jitter.ms",
        jitter,
        "log.roll.jitter.ms must be greater than or equal to 0",
    )
    _require(
        config,
        retention >= 1 or retention == -1,
        "log.retention.ms",
        retention,
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    )
    _require(
        config,
        bool(config.log_dirs),
        "log.dirs",
        "",
        "At least one log directory must be defined via log.dirs or log.dir.",
    )
    buffer_bytes = config.int("log.cleaner.dedupe.buffer.size")
    _require(
        config,
        buffer_bytes // max(1, config.int("log.cleaner.threads")) > _MEGABYTE,
        "log.cleaner.dedupe.buffer.size",
        buffer_bytes,
        "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
    )
    _check_compaction_lags(config)


def _check_compaction_lags(config: BrokerConfig) -> None:
    low, high = "log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"
    minimum, maximum = config.int(low), config.int(high)
    if minimum > maximum:
        message = (
            f"conflict topic config setting min.compaction.lag.ms ({minimum}) > "
            f"max.compaction.lag.ms ({maximum})"
        )
        raise ConflictingConfig(low, minimum, message)


def _check_replication(config: BrokerConfig) -> None:
    wait_ms = config.int("replica.fetch.wait.max.ms")
    _require(
        config,
        wait_ms <= config.int("replica.socket.timeout.ms"),
        "replica.fetch.wait.max.ms",
        wait_ms,
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms"
        " to prevent unnecessary socket timeouts",
    )
    _require(
        config,
        wait_ms <= config.int("replica.lag.time.max.ms"),
        "replica.fetch.wait.max.ms",
        wait_ms,
        "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms"
        " to prevent frequent changes in ISR",
    )


def _check_listeners(config: BrokerConfig) -> None:
    name = "advertised.listeners"
    if config.str("inter.broker.listener.name") and "security.inter.broker.protocol" in config.explicit:
        message = "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."
        raise ConflictingConfig("inter.broker.listener.name", config.inter_broker_listener_name, message)
    listeners = {listener.name for listener in config.listeners}
    advertised = {listener.name for listener in config.advertised_listeners}
    shown = ",".join(listener.name for listener in config.advertised_listeners)
    perhaps = " Perhaps all listeners appear in controller.listener.names?"
    _require(
        config,
        bool(advertised),
        name,
        shown,
        "There must be at least one broker advertised listener."
        + (perhaps if config.list("process.roles") else ""),
    )
    _require(
        config,
        config.inter_broker_listener_name in advertised,
        "inter.broker.listener.name",
        config.inter_broker_listener_name,
        "inter.broker.listener.name must be a listener name defined in advertised.listeners. "
        f"The valid options based on currently configured listeners are {shown}",
    )
    _require(
        config,
        advertised <= listeners,
        name,
        shown,
        "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. "
        f"Found {shown}. The valid options based on the current configuration are "
        + ",".join(listener.name for listener in config.listeners),
    )
    _require(
        config,
        all(listener.host != "0.0.0.0" for listener in config.advertised_listeners),
        name,
        shown,
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
    )


def _check_protocol_versions(config: BrokerConfig) -> None:
    if not _has(config, "log.message.format.version"):
        return
    text = config.str("log.message.format.version")
    protocol = config.str("inter.broker.protocol.version")
    needed = 0 if text.startswith("0.") and text < "0.10" else 1 if text.startswith("0.10") else 2
    known = latest_of(protocol) or protocol
    offered = 2 if not known.startswith("0.") or known >= "0.11" else 1 if known.startswith("0.10") else 0
    _require(
        config,
        offered >= needed,
        "log.message.format.version",
        text,
        f"log.message.format.version {text} can only be used when inter.broker.protocol.version "
        f"is set to version {('', '0.10.0', '0.11.0')[needed]} or higher",
    )


def _check_sockets(config: BrokerConfig) -> None:
    queued, largest = config.int("queued.max.request.bytes"), config.int("socket.request.max.bytes")
    _require(
        config,
        queued <= 0 or queued >= largest,
        "queued.max.request.bytes",
        queued,
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
    )
    _require(
        config,
        config.int("max.connections.per.ip") != 0 or bool(config.str("max.connections.per.ip.overrides")),
        "max.connections.per.ip",
        0,
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
    )
    idle_ms, delay_ms = (
        config.int("connections.max.idle.ms"),
        config.int("connection.failed.authentication.delay.ms"),
    )
    _require(
        config,
        idle_ms < 0 or delay_ms < idle_ms,
        "connection.failed.authentication.delay.ms",
        delay_ms,
        f"connection.failed.authentication.delay.ms={delay_ms} should always be less than "
        f"connections.max.idle.ms={idle_ms} to prevent failed authentication responses from timing out",
    )


def _check_groups(config: BrokerConfig) -> None:
    acks, factor = "offsets.commit.required.acks", "offsets.topic.replication.factor"
    if _has(config, acks) and not -1 <= config.int(acks) <= config.int(factor):
        message = f"{acks} must be greater or equal to -1 and less or equal to {factor}"
        raise ConflictingConfig(acks, config.int(acks), message)


def _check_local_retention(config: BrokerConfig) -> None:
    if not _has(config, "log.local.retention.ms"):
        return
    limits = (
        ("log.local.retention.ms", "log.retention.ms", retention_ms(config)),
        ("log.local.retention.bytes", "log.retention.bytes", config.int("log.retention.bytes")),
    )
    for name, whole_name, whole in limits:
        local = config.int(name)
        if whole < 0 or local == -2:
            continue
        if local == -1:
            reason = f"Value must not be -1 as {whole_name} value is set as {whole}."
            raise ConflictingConfig(name, local, f"Invalid value {local} for configuration {name}: {reason}")
        if local > whole:
            reason = f"Value must not be more than {whole_name} property value: {whole}"
            raise ConflictingConfig(name, local, f"Invalid value {local} for configuration {name}: {reason}")
