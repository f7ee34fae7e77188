"""Synonyms: the several names under which one setting can be given, in order of precedence.

Some broker configs exist in several units (`log.roll.ms`, `log.roll.hours`); each topic config has a broker
config, or several, behind it; a listener's own config (`listener.name.internal.ssl.keystore.type`) stands
before the base config. Source: DynamicBrokerConfig.brokerConfigSynonyms, ServerTopicConfigSynonyms,
GroupConfig.ALL_GROUP_CONFIG_SYNONYMS.
"""

from __future__ import annotations

import re

from odradek.value_object import value_object

HOURS_MS = 60 * 60 * 1000
MINUTES_MS = 60 * 1000

_ROLL = ("log.roll.ms", "log.roll.hours")
_ROLL_JITTER = ("log.roll.jitter.ms", "log.roll.jitter.hours")
_RETENTION = ("log.retention.ms", "log.retention.minutes", "log.retention.hours")
_FLUSH = ("log.flush.interval.ms", "log.flush.scheduler.interval.ms")

_UNITS = {name: names for names in (_ROLL, _ROLL_JITTER, _RETENTION) for name in names} | {_FLUSH[0]: _FLUSH}

LISTENER_CONFIG = re.compile(r"listener\.name\.[^.]*\.(.*)")
"""A config of one listener; the group is the base config's name, perhaps after a SASL mechanism's."""

LISTENER_LIMITS = ("max.connections", "max.connection.creation.rate")
"""Numbers that one listener may have of its own, beside the broker's, also by the cluster's default."""

_MECHANISM_CONFIGS = (
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
)


def broker_synonyms(name: str, *, match_listener_override: bool) -> tuple[str, ...]:
    """The names that mean the same as a broker config, most specific first, itself among them."""
    if name in _UNITS:
        return _UNITS[name]
    if match_listener_override and (match := LISTENER_CONFIG.match(name)):
        base = match[1]
        return (name, next((config for config in _MECHANISM_CONFIGS if base.endswith(config)), base))
    return (name,)


@value_object
class BrokerSynonym:
    """A broker config behind a topic config, and what its number is multiplied by."""

    name: str
    factor: int = 1


def _log(*names: str) -> tuple[BrokerSynonym, ...]:
    return tuple(BrokerSynonym(f"log.{name}") for name in names)


def _cleaner(name: str) -> tuple[BrokerSynonym, ...]:
    return _log(f"cleaner.{name}")


def _same(name: str) -> tuple[BrokerSynonym, ...]:
    return (BrokerSynonym(name),)


TOPIC_SYNONYMS: dict[str, tuple[BrokerSynonym, ...]] = {
    "segment.bytes": _log("segment.bytes"),
    "segment.ms": (*_log("roll.ms"), BrokerSynonym("log.roll.hours", HOURS_MS)),
    "segment.jitter.ms": (*_log("roll.jitter.ms"), BrokerSynonym("log.roll.jitter.hours", HOURS_MS)),
    "segment.index.bytes": _log("index.size.max.bytes"),
    "flush.messages": _log("flush.interval.messages"),
    "flush.ms": _log("flush.interval.ms", "flush.scheduler.interval.ms"),
    "retention.bytes": _log("retention.bytes"),
    "retention.ms": (
        *_log("retention.ms"),
        BrokerSynonym("log.retention.minutes", MINUTES_MS),
        BrokerSynonym("log.retention.hours", HOURS_MS),
    ),
    "max.message.bytes": _same("message.max.bytes"),
    "index.interval.bytes": _log("index.interval.bytes"),
    "delete.retention.ms": _cleaner("delete.retention.ms"),
    "min.compaction.lag.ms": _cleaner("min.compaction.lag.ms"),
    "max.compaction.lag.ms": _cleaner("max.compaction.lag.ms"),
    "file.delete.delay.ms": _log("segment.delete.delay.ms"),
    "min.cleanable.dirty.ratio": _cleaner("min.cleanable.ratio"),
    "cleanup.policy": _log("cleanup.policy"),
    "unclean.leader.election.enable": _same("unclean.leader.election.enable"),
    "min.insync.replicas": _same("min.insync.replicas"),
    "compression.type": _same("compression.type"),
    "compression.gzip.level": _same("compression.gzip.level"),
    "compression.lz4.level": _same("compression.lz4.level"),
    "compression.zstd.level": _same("compression.zstd.level"),
    "preallocate": _log("preallocate"),
    "message.format.version": _log("message.format.version"),
    "message.timestamp.type": _log("message.timestamp.type"),
    "message.timestamp.difference.max.ms": _log("message.timestamp.difference.max.ms"),
    "message.timestamp.before.max.ms": _log("message.timestamp.before.max.ms"),
    "message.timestamp.after.max.ms": _log("message.timestamp.after.max.ms"),
    "message.downconversion.enable": _log("message.downconversion.enable"),
    "local.retention.ms": _log("local.retention.ms"),
    "local.retention.bytes": _log("local.retention.bytes"),
}
"""Topic config to the broker configs that give its default, the first that is set winning."""

GROUP_SYNONYMS: dict[str, str] = {
    name: f"group.{name}"
    for name in (
        "consumer.session.timeout.ms",
        "consumer.heartbeat.interval.ms",
        "consumer.assignment.interval.ms",
        "share.session.timeout.ms",
        "share.heartbeat.interval.ms",
        "share.record.lock.duration.ms",
        "share.delivery.count.limit",
        "share.partition.max.record.locks",
        "share.assignment.interval.ms",
        "streams.session.timeout.ms",
        "streams.heartbeat.interval.ms",
        "streams.num.standby.replicas",
        "streams.initial.rebalance.delay.ms",
        "streams.assignment.interval.ms",
    )
}
"""Group config to the broker config that gives its default."""
