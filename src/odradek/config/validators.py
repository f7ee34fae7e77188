"""The validators of config values, with Kafka's own error texts.

Each is a small value: `check` raises InvalidConfig, `str()` is the text in the "valid values" column of
Kafka's reference. Source: the validators of org.apache.kafka.common.config.ConfigDef and of the packages
that define configs.

Plain classes: as dataclasses they took 11 ms to import, which every start would pay.
"""

from __future__ import annotations

import re

from odradek.config.definition import ConflictingConfig, Value, java_double, show_value
from odradek.errors import InvalidConfig

Number = int | float


class Range:
    """A number between two bounds, both inclusive; None leaves that side open."""

    __slots__ = ("maximum", "minimum")

    def __init__(self, minimum: Number | None, maximum: Number | None = None) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def check(self, name: str, value: Value) -> None:
        if value is None:
            raise InvalidConfig(name, "null", "Value must be non-null")
        assert isinstance(value, int | float)
        if self.minimum is not None and value < self.minimum:
            raise InvalidConfig(name, show_value(value), f"Value must be at least {_number(self.minimum)}")
        if self.maximum is not None and value > self.maximum:
            raise InvalidConfig(
                name, show_value(value), f"Value must be no more than {_number(self.maximum)}"
            )

    def __str__(self) -> str:
        low = "" if self.minimum is None else f"{_number(self.minimum)},"
        high = "" if self.maximum is None else f",{_number(self.maximum)}"
        return f"[{low}...{high}]"


class OneOf:
    """One of some strings."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def check(self, name: str, value: Value) -> None:
        if value not in self.allowed:
            raise InvalidConfig(name, show_value(value), f"String must be one of: {', '.join(self.allowed)}")

    def __str__(self) -> str:
        return f"[{', '.join(self.allowed)}]"


class OneOfAnyCase:
    """One of some strings (kept in upper case), however capitalised."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def check(self, name: str, value: Value) -> None:
        if not isinstance(value, str) or value.upper() not in self.allowed:
            text = f"String must be one of (case insensitive): {', '.join(self.allowed)}"
            raise InvalidConfig(name, show_value(value), text)

    def __str__(self) -> str:
        return f"(case insensitive) [{', '.join(self.allowed)}]"


class EachOf:
    """A list whose elements are each one of some strings."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def check(self, name: str, value: Value) -> None:
        assert isinstance(value, tuple)
        for element in value:
            OneOf(self.allowed).check(name, element)

    def __str__(self) -> str:
        return str(OneOf(self.allowed))


class Distinct:
    """A list without empty elements (from 4.2 on), of any strings or of the allowed ones.

    Duplicates are gone before it is asked: `Definition.distinct`.
    """

    __slots__ = ("allow_empty", "allow_null", "allowed")

    def __init__(
        self, allowed: tuple[str, ...] = (), *, allow_empty: bool = True, allow_null: bool = False
    ) -> None:
        self.allowed = allowed
        self.allow_empty = allow_empty
        self.allow_null = allow_null

    def check(self, name: str, value: Value) -> None:
        if value is None:
            if not self.allow_null:
                raise ConflictingConfig(name, "null", f"Configuration '{name}' values must not be null.")
            return
        assert isinstance(value, tuple)
        if not value and not self.allow_empty:
            valid = str(self) or "any non-empty value"
            text = f"Configuration '{name}' must not be empty. Valid values include: {valid}"
            raise ConflictingConfig(name, "[]", text)
        for element in value:
            if not element:
                text = f"Configuration '{name}' values must not be empty."
                raise ConflictingConfig(name, show_value(value), text)
            if self.allowed:
                OneOf(self.allowed).check(name, element)

    def __str__(self) -> str:
        return str(OneOf(self.allowed)) if self.allowed else ""


class NonEmpty:
    """A string with something in it, or null."""

    def check(self, name: str, value: Value) -> None:
        if value == "":
            raise InvalidConfig(name, "", "String must be non-empty")

    def __str__(self) -> str:
        return "non-empty string"


class NonNull:
    """Anything but null."""

    def check(self, name: str, value: Value) -> None:
        if value is None:
            raise InvalidConfig(name, "null", "entry must be non null")

    def __str__(self) -> str:
        return "non-null string"


class GzipLevel:
    """1 to 9, or -1 for the codec's own choice."""

    def check(self, name: str, value: Value) -> None:
        assert isinstance(value, int)
        if value > 9 or (value < 1 and value != -1):
            raise InvalidConfig(name, value, "Value must be between 1 and 9 or equal to -1")

    def __str__(self) -> str:
        return "[1,...,9] or -1"


class RemoteThreads:
    """A size of a tiered storage thread pool in 3.9: at least 1, or -1 for the one of the older config."""

    def check(self, name: str, value: Value) -> None:
        assert isinstance(value, int)
        if value < -1 or value == 0:
            raise InvalidConfig(name, value, "Value can be -1 or greater than 0")

    def __str__(self) -> str:
        return (
            "The default value of -1 means that this will be set to the configured value of "
            "remote.log.manager.thread.pool.size, if available; otherwise, it defaults to 10."
        )


class ThrottledReplicas:
    """`partition:broker` pairs, or `*`."""

    def check(self, name: str, value: Value) -> None:
        assert isinstance(value, tuple)
        pairs = [element.strip() for element in value]
        if "".join(pairs) != "*" and not all(re.fullmatch(r"([0-9]+:[0-9]+)?", pair) for pair in pairs):
            text = f"{name} must be the literal '*' or a list of replicas in the following format: {self}"
            raise InvalidConfig(name, show_value(value), text)

    def __str__(self) -> str:
        return "[partitionId]:[brokerId],[partitionId]:[brokerId],..."


class NodeAddresses:
    """Addresses of KRaft nodes. They have no effect here, so anything goes except a missing value."""

    def check(self, name: str, value: Value) -> None:
        if value is None:
            raise InvalidConfig(name, "null", "Value must be non-null")

    def __str__(self) -> str:
        return "non-empty list"


_DURATION = re.compile(
    r"[+-]?P(?=.)([+-]?\d+D)?(T(?=.)([+-]?\d+H)?([+-]?\d+M)?([+-]?\d+(\.\d{0,9})?S)?)?", re.I
)


class OffsetReset:
    """Where a share group starts: `latest`, `earliest` or `by_duration:` and an ISO 8601 duration."""

    __slots__ = ("first", "second")

    def __init__(self, first: str = "latest", second: str = "earliest") -> None:
        self.first = first
        self.second = second

    def check(self, name: str, value: Value) -> None:
        assert isinstance(value, str)
        if value in (self.first, self.second):
            return
        kind, _, duration = value.partition(":")
        if kind != "by_duration" or _DURATION.fullmatch(duration) is None or duration.startswith("-"):
            text = (
                f"Invalid value `{value}` for configuration {name}. The value must be either 'earliest', "
                "'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."
            )
            raise InvalidConfig(name, value, text)

    def __str__(self) -> str:
        return f"[{self.first}, {self.second}, by_duration:PnDTnHnMn.nS]"


class BrokerVersion:
    """A version of the inter-broker protocol or of the message format: `3.0-IV1`, or `3.0` for its last."""

    def check(self, name: str, value: Value) -> None:
        from odradek.config.broker_versions import latest_of

        if latest_of(str(value)) is None:
            raise InvalidConfig(name, show_value(value), f"Version {value} is not a valid version")

    def __str__(self) -> str:
        from odradek.config.broker_versions import VERSIONS

        return f"[{', '.join(VERSIONS)}]"


def at_least(minimum: Number) -> Range:
    return Range(minimum)


def between(minimum: Number, maximum: Number) -> Range:
    return Range(minimum, maximum)


def one_of(*allowed: str) -> OneOf:
    return OneOf(allowed)


def each_of(*allowed: str) -> EachOf:
    return EachOf(allowed)


def _number(number: Number) -> str:
    return str(number) if isinstance(number, int) else java_double(number)
