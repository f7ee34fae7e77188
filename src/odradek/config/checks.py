"""What configs must say together: the checks that look at more than one value.

Kafka's own texts; those that begin with "requirement failed" are Scala's `require`.
Source: KafkaConfig.validateValues, GroupCoordinatorConfig, DynamicBrokerConfig and its reconfigurables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odradek.config.broker_versions import message_format_ignored, record_magic
from odradek.config.definition import ConflictingConfig, parse_integer
from odradek.config.definitions import topic_definitions
from odradek.config.listeners import split_list
from odradek.config.synonyms import LISTENER_LIMITS
from odradek.config.topic_config import retention_ms, roll_jitter_ms, roll_ms, topic_defaults

if TYPE_CHECKING:
    from odradek.config.broker_config import BrokerConfig

_MEGABYTE = 1024 * 1024
_CODECS = range(5)
_HOST = re.compile(r"[0-9a-zA-Z\-%._:]*")


def check_static_values(config: BrokerConfig) -> None:
    """Refuse what Kafka would not start with, though it accepts it at run time. Raises ConflictingConfig."""
    _check_compaction_lags(config)
    _check_topic_defaults(config)


def check_values(config: BrokerConfig) -> None:
    """Refuse what cannot stand together. Raises ConflictingConfig."""
    _check_node_id(config)
    _check_log(config)
    _check_replication(config)
    _check_listeners(config)
    _check_protocol_versions(config)
    _check_sockets(config)
    _check_groups(config)


def _require(condition: bool, name: str, value: object, message: str) -> None:
    if not condition:
        raise ConflictingConfig(name, value, f"requirement failed: {message}")


def _has(config: BrokerConfig, name: str) -> bool:
    return name in config.definitions


def _check_node_id(config: BrokerConfig) -> None:
    broker_id = config.int("broker.id")
    if _has(config, "node.id") and config.int("node.id") != broker_id:
        message = "You must set `node.id` to the same value as `broker.id`."
        raise ConflictingConfig("node.id", config.int("node.id"), message)
    if not config.release.zookeeper or not config.bool("broker.id.generation.enable"):
        _require(broker_id >= 0, "broker.id", broker_id, "broker.id must be greater than or equal to 0")
        return
    if config.list("process.roles"):
        return
    _require(
        -1 <= broker_id <= config.int("reserved.broker.max.id"),
        "broker.id",
        broker_id,
        "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id",
    )


def _check_log(config: BrokerConfig) -> None:
    roll, jitter, retention = roll_ms(config), roll_jitter_ms(config), retention_ms(config)
    _require(roll >= 1, "log.roll.ms", roll, "log.roll.ms must be greater than or equal to 1")
    _require(
        jitter >= 0,
        "log.roll.jitter.ms",
        jitter,
        "log.roll.jitter.ms must be greater than or equal to 0",
    )
    _require(
        retention >= 1 or retention == -1,
        "log.retention.ms",
        retention,
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    )
    _require(
        bool(config.log_dirs),
        "log.dirs",
        "",
        "At least one log directory must be defined via log.dirs or log.dir.",
    )
    threads, buffer_bytes = config.int("log.cleaner.threads"), config.int("log.cleaner.dedupe.buffer.size")
    if threads == 0:
        raise ConflictingConfig("log.cleaner.threads", 0, "/ by zero")  # what Kafka's own check runs into
    _require(
        buffer_bytes // threads > _MEGABYTE,
        "log.cleaner.dedupe.buffer.size",
        buffer_bytes,
        "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
    )


def _check_compaction_lags(config: BrokerConfig) -> None:
    low, high = "log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"
    minimum, maximum = config.int(low), config.int(high)
    if minimum > maximum:
        message = (
            f"conflict topic config setting min.compaction.lag.ms ({minimum}) > "
            f"max.compaction.lag.ms ({maximum})"
        )
        raise ConflictingConfig(low, minimum, message)


def _check_topic_defaults(config: BrokerConfig) -> None:
    """What topics are given by brokers has to be what a topic may have: of `flush.ms` only they check it."""
    definitions = topic_definitions(config.release)
    for name, value in topic_defaults(config).items():
        validator = definitions[name].validator
        if validator is not None:
            validator.check(name, value)


def _check_replication(config: BrokerConfig) -> None:
    wait_ms = config.int("replica.fetch.wait.max.ms")
    _require(
        wait_ms <= config.int("replica.socket.timeout.ms"),
        "replica.fetch.wait.max.ms",
        wait_ms,
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms"
        " to prevent unnecessary socket timeouts",
    )
    _require(
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
        bool(advertised),
        name,
        shown,
        "There must be at least one broker advertised listener."
        + (perhaps if config.list("process.roles") else ""),
    )
    _require(
        config.inter_broker_listener_name in advertised,
        "inter.broker.listener.name",
        config.inter_broker_listener_name,
        "inter.broker.listener.name must be a listener name defined in advertised.listeners. "
        f"The valid options based on currently configured listeners are {shown}",
    )
    _require(
        advertised <= listeners,
        name,
        shown,
        "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. "
        f"Found {shown}. The valid options based on the current configuration are "
        + ",".join(listener.name for listener in config.listeners),
    )
    _require(
        all(listener.host != "0.0.0.0" for listener in config.advertised_listeners),
        name,
        shown,
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
    )
    _check_control_plane(config, advertised, shown)


def _check_control_plane(config: BrokerConfig, advertised: set[str], shown: str) -> None:
    name = "control.plane.listener.name"
    if not _has(config, name) or not config.str(name):
        return
    listener = config.control_plane_listener_name
    if listener not in config.security_protocols:
        message = f"Listener with {listener} defined in {name} not found in listener.security.protocol.map."
        raise ConflictingConfig(name, listener, message)
    _require(
        listener in advertised,
        name,
        listener,
        f"{name} must be a listener name defined in advertised.listeners. "
        f"The valid options based on currently configured listeners are {shown}",
    )
    _require(
        listener != config.inter_broker_listener_name,
        name,
        listener,
        f"{name}, when defined, should have a different value from the inter broker listener name. "
        f"Currently they both have the value ListenerName({listener})",
    )


def _check_protocol_versions(config: BrokerConfig) -> None:
    if not _has(config, "log.message.format.version"):
        return
    protocol = config.str("inter.broker.protocol.version")
    if message_format_ignored(protocol):
        return
    text = config.str("log.message.format.version")
    needed, offered = record_magic(text), record_magic(protocol)
    _require(
        offered >= needed,
        "log.message.format.version",
        text,
        f"log.message.format.version {text} can only be used when inter.broker.protocol.version "
        f"is set to version {('', '0.10.0', '0.11.0')[needed]} or higher",
    )


def _check_sockets(config: BrokerConfig) -> None:
    queued, largest = config.int("queued.max.request.bytes"), config.int("socket.request.max.bytes")
    _require(
        queued <= 0 or queued >= largest,
        "queued.max.request.bytes",
        queued,
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
    )
    _require(
        config.int("max.connections.per.ip") != 0 or bool(config.str("max.connections.per.ip.overrides")),
        "max.connections.per.ip",
        0,
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
    )
    for listener in config.listeners:
        for name in LISTENER_LIMITS:
            config.listener_int(listener.name, name)
    _check_address_limits(config)
    idle_ms, delay_ms = (
        config.int("connections.max.idle.ms"),
        config.int("connection.failed.authentication.delay.ms"),
    )
    _require(
        idle_ms < 0 or delay_ms < idle_ms,
        "connection.failed.authentication.delay.ms",
        delay_ms,
        f"connection.failed.authentication.delay.ms={delay_ms} should always be less than "
        f"connections.max.idle.ms={idle_ms} to prevent failed authentication responses from timing out",
    )


def _check_address_limits(config: BrokerConfig) -> None:
    name = "max.connections.per.ip.overrides"
    text = config.str(name)
    limits = [element.rpartition(":") for element in split_list(text)]
    for _, colon, limit in limits:
        if not colon:
            message = f"Error parsing configuration property '{name}': begin 0, end -1, length {len(limit)}"
            raise ConflictingConfig(name, text, message)
    for _, _, limit in limits:
        if parse_integer(limit.strip()) is None:
            raise ConflictingConfig(name, text, f'For input string: "{limit.strip()}"')
    invalid = [address for address, _, _ in limits if not _HOST.fullmatch(address.strip())]
    if invalid:
        raise ConflictingConfig(name, text, f"{name} contains invalid addresses : {','.join(invalid)}")


def _check_groups(config: BrokerConfig) -> None:
    acks, factor = "offsets.commit.required.acks", "offsets.topic.replication.factor"
    codec = config.int("offsets.topic.compression.codec")
    if codec not in _CODECS:
        message = f"Unknown compression type id: {codec}"
        raise ConflictingConfig("offsets.topic.compression.codec", codec, message)
    if _has(config, acks) and not -1 <= config.int(acks) <= config.int(factor):
        message = f"{acks} must be greater or equal to -1 and less or equal to {factor}"
        raise ConflictingConfig(acks, config.int(acks), message)
