"""Write the encoder of one message at one version: straight-line code that appends to a bytearray.

In the generated code `b` is the bytearray being filled, `out` the list of chunks it goes to, `raw` the
bytes of the string being written. Records leave as a chunk of their own, untouched.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol_specs.codegen.naming import LocalNames, snake_case
from protocol_specs.codegen.schema import FIXED, Field, Message, Struct
from protocol_specs.codegen.source import Source, Structs

_RESERVED = frozenset({"b", "out", "raw", "n", "Struct", "pack"})
_NULL = {True: 'b"\\x00"', False: 'b"\\xff\\xff\\xff\\xff"'}


class Encoder:
    """Writes one function body; the text is the same for versions with the same layout."""

    def __init__(self, message: Message, version: int, structs: Structs) -> None:
        self._message = message
        self._version = version
        self._structs = structs
        self._names = LocalNames(_RESERVED)
        self._source = Source()
        self._run: list[tuple[str, str]] = []
        self._buffer = "b"

    def body(self) -> str:
        self._source.add("b = bytearray()")
        root = self._names.new("message", "root")
        self._struct(self._message.root, root)
        self._flush()
        with self._source.block("if b:"):
            self._source.add("out.append(b)")
        return self._source.text()

    def _struct(self, struct: Struct, value: str) -> None:
        tagged: list[Field] = []
        for field in struct.fields:
            attribute = f"{value}.{field.name}"
            if self._version not in field.versions:
                if not field.ignorable:
                    with self._source.block(f"if {field.differs_from_default(attribute)}:"):
                        self._source.add(f'raise unsupported_field("{field.kafka_name}")')
            elif self._version in field.tagged:
                tagged.append(field)
            else:
                self._field(field, attribute)
        if self._version in self._message.flexible:
            self._tagged(sorted(tagged, key=lambda field: field.tag), struct, value)
        else:
            with self._source.block(f"if {value}.tagged:"):
                self._source.add('raise unsupported_field("tagged fields")')

    def _tagged(self, fields: list[Field], struct: Struct, value: str) -> None:
        self._flush()
        source = self._source
        outer = self._buffer
        if not fields:
            with source.block(f"if {value}.tagged is None:"):
                source.add(f"{outer}.append(0)")
            with source.block("else:"):
                source.add(f"write_tagged_fields({outer}, {{}}, {value}.tagged)")
            return
        tags = self._names.new("tags", snake_case(struct.name))
        source.add(f"{tags}: TaggedFields = {{}}")
        for field in fields:
            attribute = f"{value}.{field.name}"
            with source.block(f"if {field.differs_from_default(attribute)}:"):
                self._buffer = self._names.new(f"tag_{field.tag}", snake_case(struct.name))
                source.add(f"{self._buffer} = bytearray()")
                self._tagged_value(field, attribute)
                self._flush()
                source.add(f"{tags}[{field.tag}] = bytes({self._buffer})")
                self._buffer = outer
        with source.block(f"if {tags} or {value}.tagged is not None:"):
            source.add(f"write_tagged_fields({outer}, {tags}, {value}.tagged)")
        with source.block("else:"):
            source.add(f"{outer}.append(0)")

    def _tagged_value(self, field: Field, attribute: str) -> None:
        if field.struct is not None and not field.is_array and self._version in field.nullable:
            # Inside a tag a struct that may be null is preceded by a varint, not by a byte as elsewhere.
            self._null_or(attribute, 'b"\\x00"', lambda: self._present_struct(field, attribute))
        else:
            self._field(field, attribute)

    def _present_struct(self, field: Field, attribute: str) -> None:
        assert field.struct is not None
        self._source.add(f"{self._buffer}.append(1)")
        self._struct(field.struct, attribute)

    def _field(self, field: Field, attribute: str) -> None:
        nullable = self._version in field.nullable
        compact = self._message.is_flexible(field, self._version)
        if field.is_fixed:
            self._run.append(_fixed(field.type, attribute))
        elif field.struct is not None and not field.is_array:
            if nullable:
                self._null_or(attribute, 'b"\\xff"', lambda: self._present_struct(field, attribute))
            else:
                self._struct(field.struct, attribute)
        else:
            null = _NULL[compact] if compact or not field.is_string else 'b"\\xff\\xff"'
            name = self._names.new(field.name, "each")
            if nullable:
                self._flush()
                self._source.add(f"{name} = {attribute}")
                self._null_or(name, null, lambda: self._sized(field, name, compact=compact))
            elif field.may_be_null:
                self._source.add(f"{name} = {attribute}")
                with self._source.block(f"if {name} is None:"):
                    self._source.add(f'raise null_field("{field.kafka_name}")')
                self._sized(field, name, compact=compact)
            elif field.is_array or field.type != "string":
                self._source.add(f"{name} = {attribute}")
                self._sized(field, name, compact=compact)
            else:
                self._sized(field, attribute, compact=compact)

    def _null_or(self, value: str, null: str, present: Callable[[], None]) -> None:
        """Emit the branch on None; the pending run belongs before it."""
        self._flush()
        with self._source.block(f"if {value} is None:"):
            self._source.add(f"{self._buffer} += {null}")
        with self._source.block("else:"):
            present()
            self._flush()

    def _sized(self, field: Field, name: str, *, compact: bool) -> None:
        if field.is_array:
            self._array(field, name, compact=compact)
        elif field.type == "string":
            self._string(name, compact=compact)
        elif field.type == "bytes":
            self._length(f"len({name})", "i", compact=compact)
            self._source.add(f"{self._buffer} += {name}")
        else:
            self._length(f"len({name})", "i", compact=compact)
            with self._source.block("if b:"):
                self._source.add("out.append(b)")
            self._source.add(f"out.append({name})")
            self._source.add("b = bytearray()")

    def _string(self, name: str, *, compact: bool) -> None:
        self._source.add(f"raw = {name}.encode()")
        self._length("len(raw)", "h", compact=compact)
        self._source.add(f"{self._buffer} += raw")

    def _length(self, length: str, fmt: str, *, compact: bool) -> None:
        """Emit a length or count, and with it everything pending."""
        if not compact:
            self._run.append((fmt, length))
            self._flush()
            return
        self._flush()
        writer = "write_string_length" if fmt == "h" else "write_uvarint"
        self._source.add(f"n = {length} + 1")
        with self._source.block("if n < 128:"):
            self._source.add(f"{self._buffer}.append(n)")
        with self._source.block("else:"):
            self._source.add(f"{writer}({self._buffer}, n)")

    def _array(self, field: Field, name: str, *, compact: bool) -> None:
        self._length(f"len({name})", "i", compact=compact)
        source = self._source
        if field.type in FIXED and field.type != "uuid":
            values = f'pack(f">{{n}}{FIXED[field.type][0]}", *{name})'
            if field.type == "int32":
                values = f"PACK_INT32S[n](*{name}) if n < FEW else {values}"
            source.add(f"n = len({name})")
            source.add(f"{self._buffer} += {values}")
            return
        element = self._names.new(snake_case(field.struct.name) if field.struct else "element", "each")
        with source.block(f"for {element} in {name}:"):
            if field.struct is not None:
                self._struct(field.struct, element)
                self._flush()
            elif field.type == "uuid":
                source.add(f"{self._buffer} += {element}.bytes")
            elif field.type == "string":
                self._string(element, compact=compact)
            else:
                self._length(f"len({element})", "i", compact=compact)
                source.add(f"{self._buffer} += {element}")

    def _flush(self) -> None:
        """Emit the pending run of fixed-width writes."""
        run, self._run = self._run, []
        if not run:
            return
        pack = self._structs.pack([fmt for fmt, _ in run])
        self._source.add(f"{self._buffer} += {pack}({', '.join(value for _, value in run)})")


def _fixed(field_type: str, attribute: str) -> tuple[str, str]:
    fmt = FIXED[field_type][0]
    return (fmt, f"{attribute}.bytes") if field_type == "uuid" else (fmt, attribute)
