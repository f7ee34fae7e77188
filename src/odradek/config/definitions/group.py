"""Group configs of releases from 4.0 on (KIP-848, KIP-932, KIP-1071).

Facts of real releases, written by `compat/config_tables.py`; how to read a line: `table`.
"""

# ruff: noqa: E501 (one line a config reads better than one argument a line)

from __future__ import annotations

from odradek.config.definitions.table import BOOLEAN, INT, MEDIUM, STRING, define
from odradek.config.validators import OffsetReset, at_least, one_of

# fmt: off
GROUP = (
    define("consumer.session.timeout.ms", INT, "45000", at_least(1), MEDIUM, since="4.0"),
    define("consumer.heartbeat.interval.ms", INT, "5000", at_least(1), MEDIUM, since="4.0"),
    define("consumer.assignment.interval.ms", INT, "1000", at_least(0), MEDIUM, since="4.3"),
    define("share.session.timeout.ms", INT, "45000", at_least(1), MEDIUM, since="4.0"),
    define("share.heartbeat.interval.ms", INT, "5000", at_least(1), MEDIUM, since="4.0"),
    define("share.record.lock.duration.ms", INT, "30000", at_least(1000), MEDIUM, since="4.0"),
    define("share.delivery.count.limit", INT, "5", at_least(2), MEDIUM, since="4.3"),
    define("share.partition.max.record.locks", INT, "2000", at_least(100), MEDIUM, since="4.3"),
    define("share.auto.offset.reset", STRING, "latest", OffsetReset("earliest", "latest"), MEDIUM, since="4.0", until="4.0"),
    define("share.auto.offset.reset", STRING, "latest", OffsetReset(), MEDIUM, since="4.1"),
    define("share.isolation.level", STRING, "read_uncommitted", one_of("read_committed", "read_uncommitted"), MEDIUM, since="4.1"),
    define("share.renew.acknowledge.enable", BOOLEAN, "true", None, MEDIUM, since="4.3"),
    define("share.assignment.interval.ms", INT, "1000", at_least(0), MEDIUM, since="4.3"),
    define("streams.session.timeout.ms", INT, "45000", at_least(1), MEDIUM, since="4.1"),
    define("streams.heartbeat.interval.ms", INT, "5000", at_least(1), MEDIUM, since="4.1"),
    define("streams.num.standby.replicas", INT, "0", at_least(0), MEDIUM, since="4.1"),
    define("streams.initial.rebalance.delay.ms", INT, "3000", at_least(0), MEDIUM, since="4.2"),
    define("streams.assignment.interval.ms", INT, "1000", at_least(0), MEDIUM, since="4.3"),
)
# fmt: on
