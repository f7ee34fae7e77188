"""Topic configs: what a broker gives every topic, what one topic overrides, and what Kafka refuses.

Source: KafkaConfig.extractLogConfigMap and org.apache.kafka.storage.internals.log.LogConfig.validate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from odradek.config.broker_versions import message_format_ignored
from odradek.config.definition import ConflictingConfig, Value
from odradek.config.definitions import topic_definitions
from odradek.config.log_config import DERIVED, MAX_LONG, LogConfig
from odradek.config.synonyms import HOURS_MS, MINUTES_MS, TOPIC_SYNONYMS
from odradek.errors import InvalidConfig, KafkaError
from odradek.protocol.error_codes import ErrorCode

if TYPE_CHECKING:
    from odradek.config.broker_config import BrokerConfig
    from odradek.config.definition import Definition

_REMOTE = "remote.storage.enable"
_COPY_DISABLE = "remote.log.copy.disable"
_DELETE_ON_DISABLE = "remote.log.delete.on.disable"


def roll_ms(config: BrokerConfig) -> int:
    return _in_ms(config, "log.roll.ms", ("log.roll.hours", HOURS_MS))


def roll_jitter_ms(config: BrokerConfig) -> int:
    return _in_ms(config, "log.roll.jitter.ms", ("log.roll.jitter.hours", HOURS_MS))


def retention_ms(config: BrokerConfig) -> int:
    """-1 for every negative value: no limit."""
    minutes, hours = ("log.retention.minutes", MINUTES_MS), ("log.retention.hours", HOURS_MS)
    return max(-1, _in_ms(config, "log.retention.ms", minutes, hours))


@lru_cache(maxsize=4)
def topic_defaults(config: BrokerConfig) -> Mapping[str, Value]:
    """The values that the broker's configs give to topics that override nothing.

    Remembered for the last few configs: every creation of a topic asks twice, for 0.3 ms each.
    """
    computed: dict[str, Value] = {
        "segment.ms": roll_ms(config),
        "segment.jitter.ms": roll_jitter_ms(config),
        "retention.ms": retention_ms(config),
        "flush.ms": _in_ms(config, "log.flush.interval.ms", ("log.flush.scheduler.interval.ms", 1)),
    }
    values: dict[str, Value] = {}
    for name, definition in topic_definitions(config.release).items():
        synonyms = TOPIC_SYNONYMS.get(name, ())
        if name in computed:
            values[name] = computed[name]
        elif synonyms and synonyms[0].name in config.definitions:
            values[name] = config.value(synonyms[0].name)
        else:
            values[name] = definition.default_value()
    if "message.format.version" in values and message_format_ignored(
        config.str("inter.broker.protocol.version")
    ):
        values["message.format.version"] = "3.0-IV1"
    return MappingProxyType(_with_timestamp_bounds(values))


def topic_values(config: BrokerConfig, overrides: Mapping[str, str]) -> dict[str, Value]:
    """The values of one topic, by Kafka's names. Unknown names in `overrides` are left out.

    Raises InvalidConfig for a value that cannot be used.
    """
    values = dict(topic_defaults(config))
    for name, definition in topic_definitions(config.release).items():
        if name in overrides:
            values[name] = definition.parse(overrides[name])
    return values


def log_config_of(config: BrokerConfig, overrides: Mapping[str, str]) -> LogConfig:
    """Merge a topic's overrides into the broker's defaults. Raises InvalidConfig for a bad value.

    `message.format.version` is taken from the broker alone where Kafka ignores a topic's (KIP-724).
    """
    values = topic_values(config, overrides)
    if message_format := topic_defaults(config).get("message.format.version"):
        values["message.format.version"] = message_format
    known: dict[str, Any] = {name.replace(".", "_"): value for name, value in values.items()}
    known["cleanup_policy"] = frozenset(known["cleanup_policy"])
    names = {field.name for field in fields(LogConfig)}
    kept = {name: value for name, value in known.items() if name in names}
    return LogConfig(**kept, overridden=frozenset(overrides))


def validate_topic_configs(
    config: BrokerConfig, overrides: Mapping[str, str], existing: Mapping[str, str] | None = None
) -> None:
    """Refuse overrides that Kafka would refuse; `existing` are those the topic has now.

    Raises KafkaError(INVALID_CONFIG) for an unknown name or a conflict, InvalidConfig for a value: an API
    may put words around the latter (Kafka's InvalidConfigurationException and ConfigException).
    """
    definitions = topic_definitions(config.release)
    for name in overrides:
        if name not in definitions:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
    values = topic_values(config, overrides)
    low, high = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    assert isinstance(low, int)
    assert isinstance(high, int)
    if low > high:
        message = (
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
        )
        raise KafkaError(ErrorCode.INVALID_CONFIG, message)
    _check_remote_storage(config, definitions, values, existing or {})


def _in_ms(config: BrokerConfig, name: str, *others: tuple[str, int]) -> int:
    """The first of several configs of one setting that is not null, in milliseconds."""
    for candidate, factor in ((name, 1), *others):
        value = config.int_or_none(candidate)
        if value is not None:
            return value * factor
    raise AssertionError(f"{name} has no default at all")


def _with_timestamp_bounds(values: dict[str, Value]) -> dict[str, Value]:
    """Let the deprecated message.timestamp.difference.max.ms stand for both of its successors."""
    difference = values.get("message.timestamp.difference.max.ms", MAX_LONG)
    for name in ("message.timestamp.before.max.ms", "message.timestamp.after.max.ms"):
        if values.get(name) == MAX_LONG:
            values[name] = difference
    return values


def _check_remote_storage(
    config: BrokerConfig,
    definitions: Mapping[str, Definition],
    values: Mapping[str, Value],
    existing: Mapping[str, str],
) -> None:
    """Tiered storage is not here, as on a Kafka broker that has it switched off."""
    if _REMOTE not in definitions:
        return
    zookeeper = config.release.zookeeper
    if zookeeper and (values.get(_DELETE_ON_DISABLE) or values.get(_COPY_DISABLE)):
        message = (
            "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` "
            "under Zookeeper's mode."
        )
        raise KafkaError(ErrorCode.INVALID_CONFIG, message)
    if values[_REMOTE]:
        if not config.bool("remote.log.storage.system.enable"):
            message = (
                "Tiered Storage functionality is disabled in the broker. "
                "Topic cannot be configured with remote log storage."
            )
            raise ConflictingConfig(_REMOTE, "true", message)
        _check_local_retention(values)
    elif (
        _DELETE_ON_DISABLE in definitions
        and existing.get(_REMOTE, "").lower() == "true"
        and not values[_DELETE_ON_DISABLE]
    ):
        message = (
            "It is invalid to disable remote storage without deleting remote data. "
            "If you want to keep the remote data and turn to read only, please set "
            "`remote.storage.enable=true,remote.log.copy.disable=true`. "
            "If you want to disable remote storage and delete all remote data, please set "
            "`remote.storage.enable=false,remote.log.delete.on.disable=true`."
        )
        raise KafkaError(ErrorCode.INVALID_CONFIG, message)


def _check_local_retention(values: Mapping[str, Value]) -> None:
    for name in ("retention.bytes", "retention.ms"):
        whole, local = values[name], values[f"local.{name}"]
        assert isinstance(whole, int)
        assert isinstance(local, int)
        if whole < 0 or local == DERIVED:
            continue
        if local == -1:
            reason = f"Value must not be -1 as {name} value is set as {whole}."
            raise InvalidConfig(f"local.{name}", local, reason)
        if local > whole:
            reason = f"Value must not be more than {name} property value: {whole}"
            raise InvalidConfig(f"local.{name}", local, reason)
