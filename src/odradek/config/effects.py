"""Which configs Odradek heeds. The others are accepted, described and altered, and change nothing."""

from __future__ import annotations

HEEDED: frozenset[str] = frozenset()


def has_effect(name: str) -> bool:
    """Whether setting this config changes what Odradek does."""
    return name in HEEDED
