"""Topic configs: what a topic may override.

Facts of real releases, written by `compat/config_tables.py`; how to read a line: `table`.
"""

# ruff: noqa: E501 (one line a config reads better than one argument a line)

from __future__ import annotations

from odradek.config.definitions.table import BOOLEAN, DOUBLE, INT, LIST, LONG, LOW, MEDIUM, STRING, define
from odradek.config.validators import (
    BrokerVersion,
    Distinct,
    GzipLevel,
    ThrottledReplicas,
    at_least,
    between,
    each_of,
    one_of,
)

# fmt: off
TOPIC = (
    define("segment.bytes", INT, "1073741824", at_least(14), MEDIUM, until="4.0"),
    define("segment.bytes", INT, "1073741824", at_least(1048576), MEDIUM, since="4.1"),
    define("segment.ms", LONG, "604800000", at_least(1), MEDIUM),
    define("segment.jitter.ms", LONG, "0", at_least(0), MEDIUM),
    define("segment.index.bytes", INT, "10485760", at_least(0), MEDIUM, until="3.2"),
    define("segment.index.bytes", INT, "10485760", at_least(4), MEDIUM, since="3.3"),
    define("flush.messages", LONG, "9223372036854775807", at_least(0), MEDIUM, until="3.2"),
    define("flush.messages", LONG, "9223372036854775807", at_least(1), MEDIUM, since="3.3"),
    define("flush.ms", LONG, "9223372036854775807", at_least(0), MEDIUM),
    define("retention.bytes", LONG, "-1", None, MEDIUM),
    define("retention.ms", LONG, "604800000", at_least(-1), MEDIUM),
    define("max.message.bytes", INT, "1048588", at_least(0), MEDIUM),
    define("index.interval.bytes", INT, "4096", at_least(0), MEDIUM),
    define("delete.retention.ms", LONG, "86400000", at_least(0), MEDIUM),
    define("min.compaction.lag.ms", LONG, "0", at_least(0), MEDIUM),
    define("max.compaction.lag.ms", LONG, "9223372036854775807", at_least(1), MEDIUM),
    define("file.delete.delay.ms", LONG, "60000", at_least(0), MEDIUM),
    define("min.cleanable.dirty.ratio", DOUBLE, "0.5", between(0, 1), MEDIUM),
    define("cleanup.policy", LIST, "delete", each_of("compact", "delete"), MEDIUM, until="4.1"),
    define("cleanup.policy", LIST, "delete", Distinct(("compact", "delete")), MEDIUM, since="4.2"),
    define("unclean.leader.election.enable", BOOLEAN, "false", None, MEDIUM),
    define("min.insync.replicas", INT, "1", at_least(1), MEDIUM),
    define("compression.type", STRING, "producer", one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), MEDIUM),
    define("compression.gzip.level", INT, "-1", GzipLevel(), MEDIUM, since="3.8"),
    define("compression.lz4.level", INT, "9", between(1, 17), MEDIUM, since="3.8"),
    define("compression.zstd.level", INT, "3", between(-131072, 22), MEDIUM, since="3.8"),
    define("preallocate", BOOLEAN, "false", None, MEDIUM),
    define("message.format.version", STRING, "2.8-IV1", BrokerVersion(), MEDIUM, until="2.8"),
    define("message.format.version", STRING, "3.0-IV1", BrokerVersion(), MEDIUM, since="3.0", until="3.9"),
    define("message.timestamp.type", STRING, "CreateTime", one_of("CreateTime", "LogAppendTime"), MEDIUM),
    define("message.timestamp.difference.max.ms", LONG, "9223372036854775807", at_least(0), MEDIUM, until="3.9"),
    define("message.timestamp.before.max.ms", LONG, "9223372036854775807", at_least(0), MEDIUM, since="3.6"),
    define("message.timestamp.after.max.ms", LONG, "9223372036854775807", at_least(0), MEDIUM, since="3.6", until="3.9"),
    define("message.timestamp.after.max.ms", LONG, "3600000", at_least(0), MEDIUM, since="4.0"),
    define("leader.replication.throttled.replicas", LIST, "", ThrottledReplicas(), MEDIUM),
    define("follower.replication.throttled.replicas", LIST, "", ThrottledReplicas(), MEDIUM),
    define("message.downconversion.enable", BOOLEAN, "true", None, LOW, until="3.9"),
    define("remote.storage.enable", BOOLEAN, "false", None, MEDIUM, since="3.0", until="3.5", internal=True),
    define("remote.storage.enable", BOOLEAN, "false", None, MEDIUM, since="3.6"),
    define("local.retention.ms", LONG, "-2", at_least(-2), MEDIUM, since="3.0", until="3.5", internal=True),
    define("local.retention.ms", LONG, "-2", at_least(-2), MEDIUM, since="3.6"),
    define("local.retention.bytes", LONG, "-2", at_least(-2), MEDIUM, since="3.0", until="3.5", internal=True),
    define("local.retention.bytes", LONG, "-2", at_least(-2), MEDIUM, since="3.6"),
    define("remote.log.copy.disable", BOOLEAN, "false", None, MEDIUM, since="3.9"),
    define("remote.log.delete.on.disable", BOOLEAN, "false", None, MEDIUM, since="3.9"),
    define("internal.segment.bytes", INT, None, None, MEDIUM, since="4.1", internal=True),
)
# fmt: on
