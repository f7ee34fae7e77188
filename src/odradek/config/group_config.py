"""Group configs: what the broker gives every group, what one group overrides (KIP-848, KIP-932, KIP-1071).

They exist from 4.0 on. Source: org.apache.kafka.coordinator.group.GroupConfig of 4.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odradek.config.definition import Value
from odradek.config.definitions import group_definitions
from odradek.config.synonyms import GROUP_SYNONYMS
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

if TYPE_CHECKING:
    from odradek.config.broker_config import BrokerConfig

_BOUNDS = (
    ("consumer.heartbeat.interval.ms", "group.consumer.{}.heartbeat.interval.ms", True, False),
    ("consumer.session.timeout.ms", "group.consumer.{}.session.timeout.ms", True, False),
    ("consumer.assignment.interval.ms", "group.consumer.{}.assignment.interval.ms", True, True),
    ("share.heartbeat.interval.ms", "group.share.{}.heartbeat.interval.ms", True, False),
    ("share.session.timeout.ms", "group.share.{}.session.timeout.ms", True, False),
    ("share.record.lock.duration.ms", "group.share.{}.record.lock.duration.ms", True, False),
    ("share.delivery.count.limit", "group.share.{}.delivery.count.limit", True, False),
    ("share.partition.max.record.locks", "group.share.{}.partition.max.record.locks", True, False),
    ("share.assignment.interval.ms", "group.share.{}.assignment.interval.ms", True, True),
    ("streams.heartbeat.interval.ms", "group.streams.{}.heartbeat.interval.ms", True, False),
    ("streams.session.timeout.ms", "group.streams.{}.session.timeout.ms", True, False),
    ("streams.num.standby.replicas", "group.streams.{}.standby.replicas", False, False),
    ("streams.assignment.interval.ms", "group.streams.{}.assignment.interval.ms", True, True),
)
"""Name, the broker's bounds, whether there is a lower one, whether only a group's own value is checked."""


def group_values(config: BrokerConfig, overrides: Mapping[str, str]) -> dict[str, Value]:
    """The values of one group. Raises InvalidConfig for a value that cannot be used."""
    values: dict[str, Value] = {}
    for name, definition in group_definitions(config.release).items():
        if name in overrides:
            values[name] = definition.parse(overrides[name])
        elif GROUP_SYNONYMS.get(name) in config.definitions:
            values[name] = config.value(GROUP_SYNONYMS[name])
        else:
            values[name] = definition.default_value()
    return values


def validate_group_configs(config: BrokerConfig, overrides: Mapping[str, str]) -> None:
    """Refuse what Kafka refuses. Raises KafkaError(INVALID_CONFIG), or InvalidConfig for a single value."""
    for name in overrides:
        if name not in group_definitions(config.release):
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown group config name: {name}")
    values = group_values(config, overrides)
    for name, bound, has_minimum, only_own in _BOUNDS:
        if name not in values or (only_own and name not in overrides):
            continue
        value = values[name]
        assert isinstance(value, int)
        minimum, maximum = bound.format("min"), bound.format("max")
        if has_minimum and minimum in config.definitions and value < config.int(minimum):
            _refuse(f"{name} must be greater than or equal to {minimum}")
        if maximum in config.definitions and value > config.int(maximum):
            _refuse(f"{name} must be less than or equal to {maximum}")
    for kind in ("consumer", "share", "streams"):
        session, heartbeat = f"{kind}.session.timeout.ms", f"{kind}.heartbeat.interval.ms"
        if session in values and _number(values, session) <= _number(values, heartbeat):
            _refuse(f"{session} must be greater than {heartbeat}")


def _number(values: Mapping[str, Value], name: str) -> int:
    value = values[name]
    assert isinstance(value, int)
    return value


def _refuse(message: str) -> None:
    raise KafkaError(ErrorCode.INVALID_CONFIG, message)
