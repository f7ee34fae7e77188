"""What each config is for, in one sentence."""

from __future__ import annotations


def documentation(scope: str, name: str) -> str | None:
    """The sentence for a config of a scope (TOPIC, BROKER, GROUP, ...), or None for a name nobody knows."""
    return None
