"""How the tables of this package are written: one line a config, in each of its forms.

    define("log.segment.bytes", INT, "1073741824", at_least(14), HIGH, CLUSTER_WIDE, until="3.9"),
    define("log.segment.bytes", INT, "1073741824", at_least(1048576), HIGH, CLUSTER_WIDE, since="4.0"),

A config that releases define differently has a line for each form; `since` and `until` are inclusive.
"""

from __future__ import annotations

from functools import cache

from odradek.config.definition import Definition, Importance, Required, Type, Update, Validator
from odradek.config.release import Release
from odradek.config.validators import Distinct

BOOLEAN, STRING, INT, SHORT, LONG = Type.BOOLEAN, Type.STRING, Type.INT, Type.SHORT, Type.LONG
DOUBLE, LIST, CLASS, PASSWORD = Type.DOUBLE, Type.LIST, Type.CLASS, Type.PASSWORD
HIGH, MEDIUM, LOW = Importance.HIGH, Importance.MEDIUM, Importance.LOW
PER_BROKER, CLUSTER_WIDE = Update.PER_BROKER, Update.CLUSTER_WIDE


def define(
    name: str,
    type_: Type,
    default: str | Required | None,
    validator: Validator | None,
    importance: Importance,
    update: Update = Update.READ_ONLY,
    *,
    since: str | None = None,
    until: str | None = None,
    internal: bool = False,
) -> Definition:
    """One line of a table."""
    return Definition(
        name,
        type_,
        default,
        validator,
        importance,
        update,
        since=_release(since),
        until=_release(until),
        internal=internal,
        distinct=isinstance(validator, Distinct),
    )


def select(table: tuple[Definition, ...], release: Release) -> dict[str, Definition]:
    """What one release has of a table, by name."""
    return {row.name: row for row in table if row.exists_in(release)}


@cache
def _release(text: str | None) -> Release | None:
    return None if text is None else Release.parse(text)
