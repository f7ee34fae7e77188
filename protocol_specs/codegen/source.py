"""Lines of generated code with indentation, and the `struct` constants they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

LINE_LENGTH = 110
_LETTER = {"?": "t", "16s": "u"}


class Source:
    """A piece of generated code; `depth` is how far its first line is indented."""

    def __init__(self, depth: int = 1) -> None:
        self.lines: list[str] = []
        self._depth = depth

    def add(self, line: str) -> None:
        self.lines.extend(_wrapped(line, "    " * self._depth))

    def blank(self) -> None:
        self.lines.append("")

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """An indented block behind `opening`, which ends with a colon."""
        self.add(opening)
        self._depth += 1
        yield
        self._depth -= 1

    def text(self) -> str:
        return "\n".join(self.lines)


def _wrapped(line: str, indent: str) -> list[str]:
    """The line as it is where it fits, else broken inside its brackets, or inside brackets put around it."""
    if len(indent) + len(line) <= LINE_LENGTH:
        return [indent + line]
    targets, equals, value = line.partition(" = ")
    if equals and ", " in targets and "(" not in targets:
        return [f"{indent}(", *_filled(targets.split(", "), indent), f"{indent}) = {value}"]
    if line.startswith("if ") and " or " in line:
        first, *others = line[len("if ") : -1].split(" or ")
        inner = indent + "    "
        return [f"{indent}if (", inner + first, *(f"{inner}or {each}" for each in others), f"{indent}):"]
    opening = line.find("(")
    if equals and (opening < 0 or line[opening + 1] == ")"):
        return [f"{indent}{targets} = (", f"{indent}    {value}", f"{indent})"]
    if opening < 0:
        return [indent + line]
    closing = _closing(line, opening)
    arguments = _split(line[opening + 1 : closing])
    inner_lines = (
        _wrapped(arguments[0], indent + "    ") if len(arguments) == 1 else _filled(arguments, indent)
    )
    return [f"{indent}{line[: opening + 1]}", *inner_lines, f"{indent}{line[closing:]}"]


def _filled(parts: list[str], indent: str) -> list[str]:
    """The parts in as few lines as they fit in, one step deeper than `indent`."""
    lines = [f"{indent}    {parts[0]},"]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 2 <= LINE_LENGTH:
            lines[-1] += f" {part},"
        else:
            lines.append(f"{indent}    {part},")
    return lines


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ValueError(f"unbalanced brackets: {text}")


def _split(text: str) -> list[str]:
    """The arguments of a call; commas inside brackets do not count."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


class Structs:
    """Precompiled `struct.Struct` methods of one module, named after their formats."""

    def __init__(self) -> None:
        self._constants: dict[str, str] = {}

    def unpack(self, formats: list[str]) -> str:
        return self._constant("_unpack_", formats, "unpack_from")

    def pack(self, formats: list[str]) -> str:
        return self._constant("_pack_", formats, "pack")

    def _constant(self, prefix: str, formats: list[str], method: str) -> str:
        name = prefix + "".join(_LETTER.get(item, item) for item in formats)
        self._constants[name] = f'{name} = Struct(">{"".join(formats)}").{method}'
        return name

    def lines(self) -> list[str]:
        return [self._constants[name] for name in sorted(self._constants)]
