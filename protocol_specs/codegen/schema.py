"""A message definition as the generator sees it: structs and fields with resolved types and defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol_specs.codegen.naming import snake_case
from protocol_specs.versions import Versions

MESSAGES = Path(__file__).parent.parent / "messages"

# Fixed-width types: `struct` format character(s) and Python type.
FIXED = {
    "bool": ("?", 1, "bool"),
    "int8": ("b", 1, "int"),
    "int16": ("h", 2, "int"),
    "uint16": ("H", 2, "int"),
    "int32": ("i", 4, "int"),
    "uint32": ("I", 4, "int"),
    "int64": ("q", 8, "int"),
    "float64": ("d", 8, "float"),
    "uuid": ("16s", 16, "UUID"),
}
_VARIABLE = {"string": "str", "bytes": "bytes", "records": "Records"}
_ZERO = {"bool": "False", "float": "0.0", "int": "0", "UUID": "ZERO_UUID", "str": '""', "bytes": 'b""'}


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `struct` is set where the type, or the array's element type, is a struct."""

    kafka_name: str
    name: str
    type: str
    is_array: bool
    struct: Struct | None
    versions: Versions
    nullable: Versions
    tagged: Versions
    tag: int
    flexible: Versions | None
    default: object
    has_default: bool
    ignorable: bool

    @property
    def is_fixed(self) -> bool:
        return not self.is_array and self.type in FIXED

    @property
    def is_string(self) -> bool:
        return not self.is_array and self.type == "string"

    @property
    def defaults_to_null(self) -> bool:
        return (self.has_default and self.default is None) or (self.type == "records" and not self.is_array)

    @property
    def annotation(self) -> str:
        """The type that the attribute has in Python."""
        element = self.element_annotation
        found = f"list[{element}]" if self.is_array else element
        return f"{found} | None" if self.may_be_null else found

    @property
    def may_be_null(self) -> bool:
        """Whether the attribute can hold None, in whatever version."""
        return bool(self.nullable) or self.defaults_to_null

    @property
    def element_annotation(self) -> str:
        if self.struct is not None:
            return self.struct.name
        return FIXED[self.type][2] if self.type in FIXED else _VARIABLE[self.type]

    @property
    def default_text(self) -> str:
        """The default as an expression that makes a new value each time it is evaluated."""
        if self.defaults_to_null:
            return "None"
        if self.is_array:
            return "[]"
        if self.struct is not None:
            return f"{self.struct.name}()"
        if self.has_default and self.type in ("string", "bool", "float64"):
            return json.dumps(self.default) if self.type == "string" else repr(self.default)
        if self.has_default:
            return str(self.default)
        return _ZERO[self.element_annotation]

    @property
    def default_is_mutable(self) -> bool:
        return not self.defaults_to_null and (self.is_array or self.struct is not None)

    def differs_from_default(self, value: str) -> str:
        """A condition over the expression `value`: what Kafka's generateNonDefaultValueCheck tests."""
        if self.defaults_to_null:
            return f"{value} is not None"
        null = f"{value} is None or " if self.nullable else ""
        if self.is_array or self.type == "bytes":
            return f"{null}{value}"
        if self.struct is not None:
            parts = [field.differs_from_default(f"{value}.{field.name}") for field in self.struct.fields]
            return null + " or ".join([*parts, f"{value}.tagged"])
        if self.type == "bool":
            return f"not {value}" if self.default else value
        return f"{value} != {self.default_text}"


@dataclass(frozen=True, slots=True)
class Struct:
    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """`structs` holds every nested struct, each behind those it contains; `root` is the message itself.

    `releases` has the versions that each Kafka release knows, unstable ones included.
    """

    name: str
    kind: str
    api_key: int | None
    versions: Versions
    flexible: Versions
    root: Struct
    structs: tuple[Struct, ...]
    releases: dict[str, Versions]

    @property
    def module(self) -> str:
        return snake_case(self.name)

    def is_flexible(self, field: Field, version: int) -> bool:
        """Whether this field's own encoding is compact; a field may refuse what its message does."""
        return version in (self.flexible if field.flexible is None else field.flexible)


class _Loader:
    def __init__(self, definition: dict[str, Any]) -> None:
        self._definition = definition
        self._common = {struct["name"]: struct["fields"] for struct in definition.get("commonStructs", ())}
        self._structs: dict[str, Struct] = {}

    def message(self) -> Message:
        definition = self._definition
        root = Struct(definition["name"], self._fields(definition["fields"]))
        return Message(
            name=definition["name"],
            kind=definition["type"],
            api_key=definition.get("apiKey"),
            versions=Versions.parse(definition["validVersions"]),
            flexible=Versions.parse(definition["flexibleVersions"]),
            root=root,
            structs=tuple(self._structs.values()),
            releases={name: Versions.parse(text) for name, text in definition["releases"].items()},
        )

    def _fields(self, fields: list[dict[str, Any]]) -> tuple[Field, ...]:
        return tuple(self._field(field) for field in fields)

    def _field(self, raw: dict[str, Any]) -> Field:
        element = raw["type"].removeprefix("[]")
        return Field(
            kafka_name=raw["name"],
            name=snake_case(raw["name"]),
            type=element,
            is_array=raw["type"].startswith("[]"),
            struct=self._struct(element, raw) if element[0].isupper() else None,
            versions=Versions.parse(raw["versions"]),
            nullable=Versions.parse(raw.get("nullableVersions")),
            tagged=Versions.parse(raw.get("taggedVersions")),
            tag=raw.get("tag", -1),
            flexible=Versions.parse(raw["flexibleVersions"]) if "flexibleVersions" in raw else None,
            default=raw.get("default"),
            has_default="default" in raw,
            ignorable=raw.get("ignorable", False),
        )

    def _struct(self, name: str, raw: dict[str, Any]) -> Struct:
        if name not in self._structs:
            fields = self._fields(raw["fields"] if "fields" in raw else self._common[name])
            self._structs[name] = Struct(name, fields)
        return self._structs[name]


def load(definition: dict[str, Any]) -> Message:
    """Resolve one definition in the form of `protocol_specs/messages/`."""
    return _Loader(definition).message()


def load_all() -> Iterator[Message]:
    """Every message of `protocol_specs/messages/`, by name; headers are written by hand."""
    for path in sorted(MESSAGES.glob("*.json")):
        message = load(json.loads(path.read_text()))
        if message.kind != "header":
            yield message
