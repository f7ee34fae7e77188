"""FetchSettings: how much a follower asks for at a time, and in which words."""

from __future__ import annotations

from dataclasses import field

from odradek.peers.spoken_versions import SpokenVersions
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
    versions: SpokenVersions = field(default_factory=SpokenVersions)
    """What the leader understands."""
