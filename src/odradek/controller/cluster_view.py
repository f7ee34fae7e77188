"""What the checks of a topic's creation look at, and what they come to; read once for each request."""

from __future__ import annotations

from collections.abc import Mapping, Set

from odradek.controller.assignment import Racks
from odradek.value_object import value_object

Assignment = Mapping[int, tuple[int, ...]]
"""Replicas by partition, the preferred leader first."""


@value_object
class ClusterView:
    """The cluster at the moment of a request."""

    known: Set[str]
    """Topics in this broker's metadata cache."""
    stored: Set[str]
    """Topics in the store: they come before `known` and go after it."""
    marked_for_deletion: Set[str]
    racks: Racks
    """The living brokers."""
