"""FetchSettings: how much a follower asks for at a time."""

from __future__ import annotations

from odradek.value_object import value_object


@value_object
class FetchSettings:
    """How much a follower asks for; the configs replica.fetch.* of these names, with their defaults."""

    wait_max_ms: int = 500
    min_bytes: int = 1
    max_bytes: int = 1024 * 1024
    """Of each partition."""
    response_max_bytes: int = 10 * 1024 * 1024
    backoff_ms: int = 1000
