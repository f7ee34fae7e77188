"""Kafka's names in Python's spelling."""

from __future__ import annotations

import builtins
import keyword
import re

_WORD_END = re.compile(r"([a-z0-9])([A-Z])")
_ACRONYM_END = re.compile(r"([A-Z]+)([A-Z][a-z])")
# Words that camel case splits where nobody reads a border.
_WORDS = {"KRaft": "Kraft"}


def snake_case(name: str) -> str:
    """`TimeoutMs` → `timeout_ms`; never a Python keyword."""
    for word, spelling in _WORDS.items():
        name = name.replace(word, spelling)
    found = _ACRONYM_END.sub(r"\1_\2", _WORD_END.sub(r"\1_\2", name)).lower()
    return f"{found}_" if keyword.iskeyword(found) else found


class LocalNames:
    """Distinct local variable names for one generated function."""

    def __init__(self, reserved: frozenset[str]) -> None:
        self._taken = set(reserved) | set(dir(builtins))

    def new(self, wanted: str, owner: str) -> str:
        """`wanted` where it is free, else `owner_wanted`, else that with a number."""
        for candidate in (wanted, f"{owner}_{wanted}", *(f"{owner}_{wanted}_{i}" for i in range(2, 100))):
            if candidate not in self._taken:
                self._taken.add(candidate)
                return candidate
        raise ValueError(f"no free name for {owner}.{wanted}")
