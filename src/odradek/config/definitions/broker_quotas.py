"""Replication quotas: broker configs that existed only at run time before 4.2.

Facts of real releases, written by `compat/config_tables.py`; how to read a line: `table`.
"""

# ruff: noqa: E501 (one line a config reads better than one argument a line)

from __future__ import annotations

from odradek.config.definitions.table import CLUSTER_WIDE, LONG, MEDIUM, define
from odradek.config.validators import at_least

# fmt: off
BROKER_QUOTAS = (
    define("leader.replication.throttled.rate", LONG, "9223372036854775807", at_least(0), MEDIUM, until="4.2"),
    define("leader.replication.throttled.rate", LONG, "9223372036854775807", at_least(0), MEDIUM, CLUSTER_WIDE, since="4.3"),
    define("follower.replication.throttled.rate", LONG, "9223372036854775807", at_least(0), MEDIUM, until="4.2"),
    define("follower.replication.throttled.rate", LONG, "9223372036854775807", at_least(0), MEDIUM, CLUSTER_WIDE, since="4.3"),
    define("replica.alter.log.dirs.io.max.bytes.per.second", LONG, "9223372036854775807", at_least(0), MEDIUM, until="4.2"),
    define("replica.alter.log.dirs.io.max.bytes.per.second", LONG, "9223372036854775807", at_least(0), MEDIUM, CLUSTER_WIDE, since="4.3"),
)
# fmt: on
