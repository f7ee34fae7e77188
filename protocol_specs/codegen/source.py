"""Lines of generated code with indentation, and the `struct` constants they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_LETTER = {"?": "t", "16s": "u"}


class Source:
    """The body of one generated function."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._depth = 1

    def add(self, line: str) -> None:
        self.lines.append("    " * self._depth + line)

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """An indented block behind `opening`, which ends with a colon."""
        self.add(opening)
        self._depth += 1
        yield
        self._depth -= 1

    def text(self) -> str:
        return "\n".join(self.lines)


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
