"""The order in which Kafka answers configs: that of the hash map they come out of.

Clients put them into maps of their own, so it shows in raw answers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from odradek.config.release import Release
from odradek.metadata.hash_order import java_hash, java_order, scala_order


def answer_order(names: Iterable[str], wanted: Set[str], release: Release) -> list[str]:
    """Sort config names as a broker of `release` answers them; only the wanted ones, if any are.

    Up to 3.9 those are put into a Scala map of their own, from 4.0 on they are picked out of Java's.
    """
    if release.zookeeper:
        return scala_order(name for name in names if not wanted or name in wanted)
    return [name for name in java_order(names, java_hash) if not wanted or name in wanted]
