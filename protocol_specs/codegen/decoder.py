"""Write the decoder of one message at one version: straight-line code over a memoryview.

Fixed-width fields that follow each other, and the length that often follows them, are read by one
`unpack_from`. In the generated code `at` is the position, `end` the length of the buffer, `n` the last
count or length that was read and `to` the end of the value being sliced.
"""

from __future__ import annotations

import re
from dataclasses import replace

from protocol_specs.codegen.naming import LocalNames, snake_case
from protocol_specs.codegen.schema import FIXED, Field, Message, Struct
from protocol_specs.codegen.source import Source, Structs

_RESERVED = frozenset({"buf", "at", "end", "n", "to", "tag", "size", "Struct", "unpack_from"})


class Decoder:
    """Writes one function body; the text is the same for versions with the same layout."""

    def __init__(self, message: Message, version: int, structs: Structs) -> None:
        self._message = message
        self._version = version
        self._structs = structs
        self._names = LocalNames(_RESERVED)
        self._source = Source()
        self._run: list[tuple[str, int, str]] = []
        self._uuids: list[str] = []

    def body(self) -> str:
        result = self._struct(self._message.root)
        self._flush()
        self._source.add(f"return {result}, at")
        text = self._source.text()
        return f"    end = len(buf)\n{text}" if re.search(r"\bend\b", text) else text

    def _struct(self, struct: Struct) -> str:
        """Emit the reads of a struct; returns the expression that makes it, valid after the next flush."""
        owner = snake_case(struct.name)
        arguments: list[str] = []
        tagged_fields: list[tuple[Field, int]] = []
        for field in struct.fields:
            present = self._version in field.versions
            if present and self._version in field.tagged:
                tagged_fields.append((field, len(arguments)))
                arguments.append(field.default_text)
            elif present:
                arguments.append(self._field(field, owner))
            else:
                arguments.append(field.default_text)
        if self._version in self._message.flexible:
            forbidden = sorted(f.tag for f in struct.fields if f.tagged and self._version not in f.tagged)
            arguments.append(self._tagged(tagged_fields, arguments, owner, forbidden))
        while arguments and arguments[-1] == self._default_of_last(struct, arguments):
            arguments.pop()
        return f"{struct.name}({', '.join(arguments)})"

    def _default_of_last(self, struct: Struct, arguments: list[str]) -> str:
        index = len(arguments) - 1
        return struct.fields[index].default_text if index < len(struct.fields) else "None"

    def _tagged(
        self, fields: list[tuple[Field, int]], arguments: list[str], owner: str, forbidden: list[int]
    ) -> str:
        """Emit the tagged fields; sets the arguments of known ones, returns the variable with the others."""
        last = f", {tuple(forbidden)}" if forbidden else ""
        tagged = self._names.new("tagged", owner)
        for field, index in fields:
            name = self._names.new(field.name, owner)
            self._source_after_run(f"{name}: {field.annotation} = {field.default_text}")
            arguments[index] = name
        self._take("B", 1, "n")
        self._flush()
        source = self._source
        source.add(f"{tagged}: TaggedFields | None = None")
        with source.block("if n:"):
            if not fields:
                source.add(f"{tagged}, at = read_tagged_fields(buf, at - 1{last})")
                return tagged
            source.add("n, at = read_uvarint(buf, at - 1)")
            with source.block("for _ in range(n):"):
                source.add("tag, at = read_uvarint(buf, at)")
                source.add("size, at = read_uvarint(buf, at)")
                word = "if"
                for field, index in fields:
                    with source.block(f"{word} tag == {field.tag}:"):
                        self._value(field, arguments[index], owner, tagged=True)
                    word = "elif"
                with source.block("else:"):
                    source.add(f"{tagged}, at = keep_tagged_field({tagged}, tag, size, buf, at{last})")
        return tagged

    def _source_after_run(self, line: str) -> None:
        self._flush()
        self._source.add(line)

    def _field(self, field: Field, owner: str) -> str:
        """Emit one untagged field; returns the expression that holds it after the next flush."""
        nullable = self._version in field.nullable
        if field.struct is not None and not field.is_array and not nullable:
            return self._struct(field.struct)
        name = self._names.new(field.name, owner)
        if field.is_fixed:
            fmt, size, _ = FIXED[field.type]
            self._take(fmt, size, name)
            return name
        self._value(field, name, owner, tagged=False)
        return name

    def _value(self, field: Field, name: str, owner: str, *, tagged: bool) -> None:
        """Emit the reads that end in `name = …`; tagged fields are declared before their loop."""
        nullable = self._version in field.nullable
        if field.is_fixed:
            fmt, size, _ = FIXED[field.type]
            self._take(fmt, size, name)
            self._flush()
            return
        if field.struct is not None and not field.is_array:
            self._nested(field.struct, field, name, nullable=nullable, tagged=tagged)
            return
        compact = self._message.is_flexible(field, self._version)
        self._length(field, compact=compact)
        if nullable:
            line = f"{name} = None" if tagged else f"{name}: {field.annotation} = None"
            self._source.add(line)
            with self._source.block("if n > 0:" if compact else "if n >= 0:"):
                self._sized(field, name, compact=compact, nullable=True, declared=True)
        else:
            self._sized(field, name, compact=compact, nullable=False, declared=tagged)

    def _nested(self, struct: Struct, field: Field, name: str, *, nullable: bool, tagged: bool) -> None:
        source = self._source
        if not nullable:
            value = self._struct(struct)
            self._flush()
            source.add(f"{name} = {value}")
            return
        if tagged:
            source.add("n, at = read_uvarint(buf, at)")
            source.add(f"{name} = None")
            opening = "if n > 0:"
        else:
            self._take("b", 1, "n")
            self._flush()
            source.add(f"{name}: {field.annotation} = None")
            opening = "if n >= 0:"
        with source.block(opening):
            value = self._struct(struct)
            self._flush()
            source.add(f"{name} = {value}")

    def _length(self, field: Field, *, compact: bool) -> None:
        """Emit the read of a length or count into `n`; compact ones are one more than the length."""
        if not compact:
            self._take(*(("h", 2, "n") if field.is_string else ("i", 4, "n")))
            self._flush()
            return
        self._take("B", 1, "n")
        self._flush()
        reader = "read_string_length" if field.is_string else "read_uvarint"
        with self._source.block("if n > 127:"):
            self._source.add(f"n, at = {reader}(buf, at - 1)")

    def _sized(self, field: Field, name: str, *, compact: bool, nullable: bool, declared: bool) -> None:
        if field.is_array:
            self._array(field, name, compact=compact, nullable=nullable, declared=declared)
            return
        self._slice(field.kafka_name, compact=compact, nullable=nullable)
        self._source.add(f"{name} = {_SLICES[field.type]}")
        self._source.add("at = to")

    def _slice(self, label: str, *, compact: bool, nullable: bool) -> None:
        """Emit `to` and the checks of a length: not null where it must not be, and inside the buffer."""
        self._source.add("to = at + n - 1" if compact else "to = at + n")
        null = "" if nullable else ("n < 1 or " if compact else "n < 0 or ")
        with self._source.block(f"if {null}to > end:"):
            self._source.add(f'raise bad_length("{label}", n, end - at)')

    def _array(self, field: Field, name: str, *, compact: bool, nullable: bool, declared: bool) -> None:
        source = self._source
        count = "(n - 1)" if compact else "n"
        element_size = self._minimal_size(field)
        null = "" if nullable else ("n < 1 or " if compact else "n < 0 or ")
        if field.type in FIXED and field.struct is None:
            source.add(f"to = at + {count} * {element_size}")
            with source.block(f"if {null}to > end:"):
                source.add(f'raise bad_count("{field.kafka_name}", n, end - at)')
            self._fixed_elements(field, name, compact=compact)
            source.add("at = to")
            return
        size = count if element_size == 1 else f"{count} * {element_size}"
        with source.block(f"if {null}{size} > end - at:"):
            source.add(f'raise bad_count("{field.kafka_name}", n, end - at)')
        annotation = "" if declared else f": list[{field.element_annotation}]"
        source.add(f"{name}{annotation} = []")
        with source.block("for _ in range(n - 1):" if compact else "for _ in range(n):"):
            if field.struct is not None:
                value = self._struct(field.struct)
                self._flush()
                source.add(f"{name}.append({value})")
            else:
                element = replace(field, is_array=False)
                self._length(element, compact=compact)
                self._slice(f"{field.kafka_name} element", compact=compact, nullable=False)
                source.add(f"{name}.append({_SLICES[field.type]})")
                source.add("at = to")

    def _fixed_elements(self, field: Field, name: str, *, compact: bool) -> None:
        if field.type == "uuid":
            self._source.add(f"{name} = [to_uuid(buf[i : i + 16].tobytes()) for i in range(at, to, 16)]")
            return
        count = "n - 1" if compact else "n"
        values = f'unpack_from(f">{{{count}}}{FIXED[field.type][0]}", buf, at)'
        if field.type == "int32":
            few = "n <= FEW" if compact else "n < FEW"
            values = f"UNPACK_INT32S[{count}](buf, at) if {few} else {values}"
        self._source.add(f"{name} = list({values})")

    def _minimal_size(self, field: Field) -> int:
        """The fewest bytes that one element of this array can take."""
        if field.struct is not None:
            return self._minimal_struct_size(field.struct)
        if field.type in FIXED:
            return FIXED[field.type][1]
        if self._message.is_flexible(field, self._version):
            return 1
        return 2 if field.type == "string" else 4

    def _minimal_struct_size(self, struct: Struct) -> int:
        total = 1 if self._version in self._message.flexible else 0
        for field in struct.fields:
            if self._version not in field.versions or self._version in field.tagged:
                continue
            if field.is_fixed:
                total += FIXED[field.type][1]
            elif field.struct is not None and not field.is_array:
                total += 1 if self._version in field.nullable else self._minimal_struct_size(field.struct)
            elif self._message.is_flexible(field, self._version):
                total += 1
            else:
                total += 2 if field.is_string else 4
        return max(total, 1)

    def _take(self, fmt: str, size: int, name: str) -> None:
        self._run.append((fmt, size, name))
        if fmt == "16s":
            self._uuids.append(name)

    def _flush(self) -> None:
        """Emit the pending run of fixed-width reads."""
        run, self._run = self._run, []
        if not run:
            return
        if [fmt for fmt, _, _ in run] == ["B"]:
            self._source.add(f"{run[0][2]} = buf[at]")
            self._source.add("at += 1")
            return
        unpack = self._structs.unpack([fmt for fmt, _, _ in run])
        targets = ", ".join(name for _, _, name in run)
        self._source.add(f"{f'({targets},)' if len(run) == 1 else targets} = {unpack}(buf, at)")
        self._source.add(f"at += {sum(size for _, size, _ in run)}")
        for name in self._uuids:
            self._source.add(f"{name} = to_uuid({name})")
        self._uuids.clear()


_SLICES = {
    # Kafka takes malformed UTF-8 and replaces it; "java" is registered by `odradek.protocol.primitives`.
    "string": 'buf[at:to].tobytes().decode("utf-8", "java")',
    "bytes": "buf[at:to].tobytes()",
    "records": "buf[at:to]",
}
