"""The features that each emulated release reports: what it supports, and what its cluster has finalized.

A broker in ZooKeeper mode (up to 3.9) reports none. From 4.0 on, the features are those of a cluster newly
formatted by that release. Source: KIP-584, `Feature` and `MetadataVersion` of 4.3.0; asked of 3.9.2 and
4.3.0, which go through hash maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from odradek.metadata.hash_order import java_hash, java_order, scala_order


class Feature(NamedTuple):
    """One feature of a release.

    `first` and `last` are the levels that a broker can have, inclusive; `level` is what a new cluster has
    turned on, 0 for nothing.
    """

    name: str
    first: int
    last: int
    level: int


def _features(
    metadata_version: int, *, elr: int, share: int | None = None, streams: int | None = None
) -> tuple[Feature, ...]:
    features = [
        Feature("group.version", 0, 1, 1),
        Feature("kraft.version", 0, 1, 1),
        Feature("metadata.version", 7, metadata_version, metadata_version),  # 7 is 3.3-IV3
        Feature("transaction.version", 0, 2, 2),
        Feature("eligible.leader.replicas.version", 0, 1, elr),
    ]
    if share is not None:
        features.append(Feature("share.version", 0, 1, share))
    if streams is not None:
        features.append(Feature("streams.version", 0, 1, streams))
    by_name = {feature.name: feature for feature in features}
    return tuple(by_name[name] for name in java_order(by_name, java_hash))


_FEATURES: Mapping[str, tuple[Feature, ...]] = {
    "4.0": _features(25, elr=0),
    "4.1": _features(27, elr=1, share=0, streams=0),
    "4.2": _features(29, elr=1, share=1, streams=1),
    "4.3": _features(30, elr=1, share=1, streams=1),
}


def supported_features(release: str) -> tuple[Feature, ...]:
    """The features of a broker of that release; none in ZooKeeper mode."""
    return _FEATURES.get(release, ())


def finalized_features(release: str) -> tuple[Feature, ...]:
    """Those that a new cluster of that release has turned on."""
    by_name = {feature.name: feature for feature in supported_features(release) if feature.level > 0}
    return tuple(by_name[name] for name in scala_order(by_name))
