"""Configs of client metrics subscriptions (KIP-714).

Facts of real releases, written by `compat/config_tables.py`; how to read a line: `table`.
"""

from __future__ import annotations

from odradek.config.definitions.table import INT, LIST, MEDIUM, define
from odradek.config.validators import Distinct

# fmt: off
CLIENT_METRICS = (
    define("metrics", LIST, "", None, MEDIUM, since="3.7", until="4.1"),
    define("metrics", LIST, "", Distinct(), MEDIUM, since="4.2"),
    define("interval.ms", INT, "300000", None, MEDIUM, since="3.7"),
    define("match", LIST, "", None, MEDIUM, since="3.7", until="4.1"),
    define("match", LIST, "", Distinct(), MEDIUM, since="4.2"),
)
# fmt: on
