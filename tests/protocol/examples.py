"""Values for generated messages, made from the definitions: any choice that a version can carry."""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import replace
from random import Random
from typing import Any, Protocol
from uuid import UUID

from hypothesis import strategies as st

from odradek.protocol.message import Message as Generated
from odradek.protocol.message import Structure
from protocol_specs.codegen import schema
from protocol_specs.codegen.schema import Field, Message, Struct

MESSAGES: dict[str, Message] = {message.name: message for message in schema.load_all()}

_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint16": 16, "uint32": 32}
_UNKNOWN_TAGS = (50, 10_000)


class Choices(Protocol):
    """Where an example's decisions come from."""

    def integer(self, low: int, high: int) -> int: ...
    def text(self) -> str: ...
    def binary(self, size: int | None = None) -> bytes: ...


class RandomChoices:
    """A seeded generator: the same example each time, at no cost."""

    def __init__(self, seed: int | str) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        edge = self._random.randrange(8)
        return (low, high)[edge] if edge < 2 else self._random.randint(low, high)

    def text(self) -> str:
        alphabet = "abcXYZ.-_ 0123é漢😀"
        length = self._random.choice((0, 1, 5, 20, 126, 127, 128, 300))
        return "".join(self._random.choices(alphabet, k=length))

    def binary(self, size: int | None = None) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 17, 127, 130)) if size is None else size)


class DrawnChoices:
    """Hypothesis's choices, so that a failing example shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def text(self) -> str:
        return self._draw(st.text(st.characters(codec="utf-8"), max_size=140))

    def binary(self, size: int | None = None) -> bytes:
        found: bytes = self._draw(st.binary(min_size=size or 0, max_size=140 if size is None else size))
        return found


def generated_class(message: Message) -> type[Generated]:
    """The class that was generated for a definition."""
    module = importlib.import_module(f"odradek.protocol.generated.{message.module}")
    found: type[Generated] = getattr(module, message.name)
    return found


def example(message: Message, version: int, choices: Choices, *, unknown_tags: bool = True) -> Generated:
    """An object of the generated class with a value in every field that this version carries."""
    return _Builder(message, version, choices, unknown_tags).message()


@st.composite
def messages(draw: st.DrawFn, message: Message) -> tuple[int, Generated]:
    """Any version of a message, and an object that it can carry."""
    version = draw(st.integers(message.versions.lowest, message.versions.highest))
    return version, example(message, version, DrawnChoices(draw))


class _Builder:
    def __init__(self, message: Message, version: int, choices: Choices, unknown_tags: bool) -> None:
        self._message = message
        self._version = version
        self._choices = choices
        self._unknown_tags = unknown_tags
        self._module = importlib.import_module(f"odradek.protocol.generated.{message.module}")

    def message(self) -> Generated:
        found = self._structure(self._message.root)
        assert isinstance(found, Generated)
        return found

    def _structure(self, struct: Struct) -> Structure:
        flexible = self._version in self._message.flexible
        tagged = None
        if flexible and self._unknown_tags and self._choices.integer(0, 3) == 0:
            tagged = {tag: self._choices.binary() for tag in _UNKNOWN_TAGS}
        found: Structure = getattr(self._module, struct.name)(tagged=tagged)
        for field in struct.fields:
            if self._version in field.versions:
                setattr(found, field.name, self._field(field))
        return found

    def _field(self, field: Field) -> Any:
        if self._version in field.nullable and self._choices.integer(0, 3) == 0:
            return None
        if field.is_array:
            element = replace(field, is_array=False)
            return [self._value(element) for _ in range(self._choices.integer(0, 2))]
        return self._value(field)

    def _value(self, field: Field) -> Any:
        choices = self._choices
        if field.struct is not None:
            return self._structure(field.struct)
        match field.type:
            case "bool":
                return bool(choices.integer(0, 1))
            case "float64":
                return choices.integer(-(2**50), 2**50) / 8
            case "uuid":
                return UUID(bytes=choices.binary(16))
            case "string":
                return choices.text()
            case "bytes" | "records":
                return choices.binary()
            case "uint16" | "uint32":
                return choices.integer(0, 2 ** _BITS[field.type] - 1)
            case _:
                half = 2 ** (_BITS[field.type] - 1)
                return choices.integer(-half, half - 1)


def to_json(message: Message, version: int, value: Structure, *, record_data: bool) -> dict[str, Any]:
    """The form that Kafka's JSON converters give a message; records are bytes, or only their size."""
    return _Json(message, version, record_data).structure(message.root, value)


class _Json:
    def __init__(self, message: Message, version: int, record_data: bool) -> None:
        self._message = message
        self._version = version
        self._record_data = record_data

    def structure(self, struct: Struct, value: Structure) -> dict[str, Any]:
        found: dict[str, Any] = {}
        default = type(value)()
        for field in struct.fields:
            attribute = getattr(value, field.name)
            if self._version not in field.versions:
                continue
            if self._version in field.tagged and attribute == getattr(default, field.name):
                continue
            key = field.kafka_name[0].lower() + field.kafka_name[1:]
            if field.type == "records" and attribute is not None and not self._record_data:
                found[f"{key}SizeInBytes"] = len(attribute)
            else:
                found[key] = self._attribute(field, attribute)
        return found

    def _attribute(self, field: Field, attribute: Any) -> Any:
        if attribute is None:
            return None
        if field.is_array:
            element = replace(field, is_array=False)
            return [self._attribute(element, each) for each in attribute]
        if field.struct is not None:
            return self.structure(field.struct, attribute)
        if field.type == "uuid":
            return base64.urlsafe_b64encode(attribute.bytes).decode().rstrip("=")
        if field.type in ("bytes", "records"):
            return base64.b64encode(attribute).decode()
        return attribute


def canonical(value: dict[str, Any]) -> str:
    """JSON that can be compared as text."""
    return json.dumps(value, sort_keys=True)
