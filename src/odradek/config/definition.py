"""Definition: one config's name, type, default and limits, as Kafka defines it.

Values travel as text (files, ZooKeeper, the wire) and are compared and used as parsed values. Reading and
writing follow Java, whose error texts clients see. Source: org.apache.kafka.common.config.ConfigDef.
"""

from __future__ import annotations

import re
from enum import Enum, IntEnum
from typing import Final, Protocol

from odradek.config.release import Release
from odradek.errors import InvalidConfig
from odradek.value_object import value_object

Value = bool | int | float | str | tuple[str, ...] | None
"""A parsed value: BOOLEAN bool; SHORT, INT, LONG int; DOUBLE float; LIST tuple; the others str."""


class Type(Enum):
    """Kafka's config types; the values are the numbers of DescribeConfigs' config_type (KIP-569)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


UNKNOWN_TYPE = 0
"""DescribeConfigs' config_type of a name that no definition has."""


class Importance(IntEnum):
    HIGH = 0
    MEDIUM = 1
    LOW = 2


class Update(Enum):
    """Whether a running broker takes a new value, and at which level it may be set."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"
    """For one broker or for all."""


class ConflictingConfig(InvalidConfig):
    """A value refused with a sentence of its own, mostly because of what other configs say."""

    def __init__(self, name: str, value: object, message: str) -> None:
        super().__init__(name, value, message)

    def __str__(self) -> str:
        return self.allowed


class Validator(Protocol):
    """What values of the right type are allowed; `str()` is the sentence in Kafka's reference."""

    def check(self, name: str, value: Value) -> None:
        """Raises InvalidConfig with Kafka's text."""


class Required(Enum):
    """The default of a config that has none: the broker does not start without a value."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED

_TRIMMED = "".join(map(chr, range(0x21)))
"""What Java's String.trim takes away: blanks and control characters, and no other spaces."""

_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,19})", re.ASCII)
"""No more digits than a LONG has behind zeros: Python makes no number of thousands, and need not here."""
_DOUBLE = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[fFdD]?|[+-]?(NaN|Infinity)", re.ASCII
)
_COMMA = re.compile(r"\s*,\s*")
_BITS = {Type.SHORT: 16, Type.INT: 32, Type.LONG: 64}


@value_object
class Definition:
    """One config, as the releases from `since` to `until`, both inclusive, define it.

    `default` is text as in a properties file, None for Java's null. An `internal` config can be set but is
    never described. A list that is to be `distinct` loses its duplicates (from 4.2 on).
    """

    name: str
    type: Type
    default: str | Required | None
    validator: Validator | None = None
    importance: Importance = Importance.LOW
    update: Update = Update.READ_ONLY
    since: Release | None = None
    until: Release | None = None
    internal: bool = False
    distinct: bool = False

    def exists_in(self, release: Release) -> bool:
        return (self.since is None or self.since <= release) and (self.until is None or release <= self.until)

    @property
    def sensitive(self) -> bool:
        """Whether the value is never shown to anybody."""
        return self.type is Type.PASSWORD

    def default_value(self) -> Value:
        """The parsed default; None for a required config, which has none."""
        return None if self.default is REQUIRED else parse_value(self.name, self.default, self.type)

    def parse(self, text: str | None) -> Value:
        """Read and validate a value. Raises InvalidConfig."""
        value = parse_value(self.name, text, self.type)
        if self.distinct and isinstance(value, tuple):
            value = tuple(dict.fromkeys(value))
        if self.validator is not None:
            self.validator.check(self.name, value)
        return value


def parse_value(name: str, text: str | None, value_type: Type) -> Value:
    """Read text as Java's ConfigDef.parseType does. Raises InvalidConfig."""
    if text is None:
        return None
    trimmed = text.strip(_TRIMMED)
    match value_type:
        case Type.BOOLEAN:
            if trimmed.lower() not in ("true", "false"):
                raise InvalidConfig(name, text, "Expected value to be either true or false")
            return trimmed.lower() == "true"
        case Type.SHORT | Type.INT | Type.LONG:
            number = parse_integer(trimmed, _BITS[value_type])
            if number is None:
                raise InvalidConfig(name, text, f"Not a number of type {value_type.name}")
            return number
        case Type.DOUBLE:
            if _DOUBLE.fullmatch(trimmed) is None:
                raise InvalidConfig(name, text, f"Not a number of type {value_type.name}")
            return float(trimmed.rstrip("fFdD") if trimmed[-1:] in "fFdD" else trimmed)
        case Type.LIST:
            return tuple(_COMMA.split(trimmed)) if trimmed else ()
        case Type.STRING | Type.CLASS | Type.PASSWORD:
            return trimmed


def parse_integer(text: str, bits: int = 32) -> int | None:
    """A number as Java's parseInt and parseLong read it; None where they refuse it."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if -(1 << (bits - 1)) <= number < 1 << (bits - 1) else None


def write_value(value: Value) -> str | None:
    """Write a parsed value as Java's ConfigDef.convertToString does."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return java_double(value)
        case tuple():
            return ",".join(value)
        case _:
            return str(value)


def show_value(value: Value) -> str:
    """A value inside an error text: Java's toString()."""
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else str(write_value(value) or "null")


def java_double(value: float) -> str:
    """Write a double as Java's Double.toString: plain between 1e-3 and 1e7, otherwise as 1.0E10."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{value!r}" if "e" not in repr(value) else f"{value:.10f}".rstrip("0")
    digits, _, exponent = f"{value:.16e}".partition("e")
    for precision in range(17):
        digits, _, exponent = f"{value:.{precision}e}".partition("e")
        if float(f"{digits}e{exponent}") == value:
            break
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
