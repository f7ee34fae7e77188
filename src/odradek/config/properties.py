r"""Java's .properties files, as java.util.Properties.load reads them.

One `name=value` a logical line: `=`, `:` or white space ends the name; a backslash at the end of a line
joins the next one to it; `\t \n \r \f \uXXXX` are escapes and any other escaped character stands for
itself; `#` and `!` begin a comment line. The last of several lines with one name wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from odradek.errors import OdradekError

_BLANKS = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNICODE = re.compile(r"[0-9A-Fa-f]{4}")


class MalformedProperties(OdradekError):
    """A text that Java would not load: an unfinished `\\u` escape."""


def parse_properties(text: str) -> dict[str, str]:
    """Read a whole file. Raises MalformedProperties."""
    return dict(_split(line) for line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments and blank ones, continuations joined, leading blanks cut; still escaped."""
    pending: str | None = None
    for natural in _LINE_END.split(text):
        line = natural.lstrip(_BLANKS)
        if pending is None and (not line or line[0] in "#!"):
            continue
        line = (pending or "") + line
        backslashes = len(line) - len(line.rstrip("\\"))
        if backslashes % 2:
            pending = line[:-1]
        else:
            yield line
            pending = None
    if pending is not None:
        yield pending


def _split(line: str) -> tuple[str, str]:
    end = 0
    while end < len(line) and line[end] not in "=:" + _BLANKS:
        end += 2 if line[end] == "\\" else 1
    rest = line[end:].lstrip(_BLANKS)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANKS)
    return _unescape(line[:end]), _unescape(rest)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character != "\\":
            out.append(character)
            continue
        escaped = text[position : position + 1]
        position += 1
        if escaped == "u":
            digits = _UNICODE.match(text, position)
            if digits is None:
                raise MalformedProperties("Malformed \\uxxxx encoding.")
            out.append(chr(int(digits[0], 16)))
            position += 4
        else:
            out.append(_ESCAPES.get(escaped, escaped))
    return "".join(out)
