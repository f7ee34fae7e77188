"""Odradek's own configs."""

from __future__ import annotations

from odradek.config.definitions.table import MEDIUM, STRING, define
from odradek.config.release import DEFAULT_RELEASE, EMULATE, RELEASES
from odradek.config.validators import one_of

VALIDATE_RECORDS = "odradek.validate.records"

OWN = (
    define(EMULATE, STRING, str(DEFAULT_RELEASE), one_of(*map(str, RELEASES)), MEDIUM),
    define(VALIDATE_RECORDS, STRING, "default", one_of("default", "full"), MEDIUM),
)
