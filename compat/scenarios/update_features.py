"""UpdateFeatures: what a cluster does not have, and levels that it has already."""

from typing import Any

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.update_features_request import FeatureUpdateKey, UpdateFeaturesRequest

UNKNOWN, UPGRADE, SAFE, UNSAFE = 0, 1, 2, 3


def request(*updates: FeatureUpdateKey, **fields: Any) -> UpdateFeaturesRequest:
    return UpdateFeaturesRequest(feature_updates=list(updates), **{"timeout_ms": 30_000, **fields})


def update(k: Session, feature: str, level: int, upgrade_type: int = UPGRADE) -> FeatureUpdateKey:
    """An update in the words of the version: before 1 there was only whether to downgrade."""
    if k.version == 0:
        return FeatureUpdateKey(
            feature=feature, max_version_level=level, allow_downgrade=upgrade_type in (SAFE, UNSAFE)
        )
    return FeatureUpdateKey(feature=feature, max_version_level=level, upgrade_type=upgrade_type)


@scenario(ApiKey.UPDATE_FEATURES)
def unknown_feature(k: Session) -> None:
    k.send(request(update(k, "none.version", 1)))
    k.send(request(update(k, "", 1)))


@scenario(ApiKey.UPDATE_FEATURES)
def levels_that_cannot_be(k: Session) -> None:
    for level in (0, -1):
        for upgrade_type in (UPGRADE, SAFE):
            k.send(request(update(k, "none.version", level, upgrade_type)))


@scenario(ApiKey.UPDATE_FEATURES, since=1)
def upgrade_types(k: Session) -> None:
    for upgrade_type in (UNKNOWN, UNSAFE, 9):
        k.send(request(update(k, "none.version", 1, upgrade_type)))


@scenario(ApiKey.UPDATE_FEATURES, since=1)
def only_validated(k: Session) -> None:
    k.send(request(update(k, "none.version", 1), validate_only=True))


@scenario(ApiKey.UPDATE_FEATURES)
def several(k: Session) -> None:
    k.send(request(update(k, "b.version", 1), update(k, "a.version", 2)), unordered="results")


@scenario(ApiKey.UPDATE_FEATURES)
def the_same_twice(k: Session) -> None:
    k.send(request(update(k, "a.version", 1), update(k, "a.version", 2)))


@scenario(ApiKey.UPDATE_FEATURES)
def nothing(k: Session) -> None:
    k.send(request())
