"""UpdateFeatures (key 57): finalize other levels of features (KIP-584).

0  initial   1  upgrade_type in place of allow_downgrade, validate_only
2  no results: an error is one for all

A broker in ZooKeeper mode supports no features, so there is nothing that could be finalized. A KRaft cluster
has turned on what its release has, and Odradek has what it emulates: levels do not change.
Source: KafkaController.processFeatureUpdates; FeatureControlManager.updateFeatures of 4.3.
"""

from __future__ import annotations

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.features import finalized_features, supported_features
from odradek.errors import KafkaError
from odradek.metadata.hash_order import scala_order
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.update_features_request import FeatureUpdateKey, UpdateFeaturesRequest
from odradek.protocol.generated.update_features_response import (
    UpdatableFeatureResult,
    UpdateFeaturesResponse,
)

api = Api(key=ApiKey.UPDATE_FEATURES, versions=Versions(0, 2), request=UpdateFeaturesRequest)

_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE = 1, 2, 3


@api.handler
async def update_features(request: UpdateFeaturesRequest, ctx: RequestContext) -> UpdateFeaturesResponse:
    # Kafka reads the updates into a map: of a feature that is named twice the last one counts.
    updates = {update.feature: update for update in request.feature_updates}
    if not ctx.services.release.zookeeper:
        return _in_kraft(updates, ctx)
    if not ctx.services.controller.is_active:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    return UpdateFeaturesResponse(
        error_message=None,
        results=[
            UpdatableFeatureResult(
                feature=name,
                error_code=ErrorCode.INVALID_REQUEST,
                error_message=_fault_of_unsupported(updates[name], ctx.api_version),
            )
            for name in scala_order(updates)
        ],
    )


def _upgrade_type(update: FeatureUpdateKey, version: int) -> int:
    if version == 0:
        return _SAFE_DOWNGRADE if update.allow_downgrade else _UPGRADE
    return update.upgrade_type


def _fault_of_unsupported(update: FeatureUpdateKey, version: int) -> str:
    """What a ZooKeeper-mode controller says of an update of a feature that it does not have."""
    upgrade_type, level = _upgrade_type(update, version), update.max_version_level
    if not update.feature:
        return "Feature name can not be empty."
    if upgrade_type not in (_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE):
        return "Received unknown upgrade type."
    if level < 1 and upgrade_type != _UPGRADE:
        return "Can not delete non-existing finalized feature."
    if level < 1:
        return (
            f"Can not provide versionLevel: {level} less than 1 "
            "without setting the SAFE downgradeType in the request."
        )
    return "Could not apply finalized feature update because the provided feature is not supported."


def _in_kraft(updates: dict[str, FeatureUpdateKey], ctx: RequestContext) -> UpdateFeaturesResponse:
    """The first update that cannot be is the answer to all of them."""
    for name, update in updates.items():
        fault = _fault_in_kraft(update, ctx)
        if fault is not None:
            return UpdateFeaturesResponse(
                error_code=ErrorCode.INVALID_UPDATE_VERSION,
                error_message=(
                    "The update failed for all features since the following feature had an error: "
                    f"Invalid update version {update.max_version_level} for feature {name}. {fault}"
                ),
            )
    results = [UpdatableFeatureResult(feature=name, error_message=None) for name in updates]
    return UpdateFeaturesResponse(error_message=None, results=results if ctx.api_version < 2 else [])


def _fault_in_kraft(update: FeatureUpdateKey, ctx: RequestContext) -> str | None:
    release = str(ctx.services.release)
    supported = {feature.name: feature for feature in supported_features(release)}
    levels = {feature.name: feature.level for feature in finalized_features(release)}
    upgrade_type, level = _upgrade_type(update, ctx.api_version), update.max_version_level
    feature = supported.get(update.feature)
    current = levels.get(update.feature, 0)
    if level < 0:
        return "A feature version cannot be less than 0."
    if feature is None and level == 0:
        return f"Feature {update.feature} not found."
    if upgrade_type not in (_UPGRADE, _SAFE_DOWNGRADE, _UNSAFE_DOWNGRADE):
        return "The controller does not support the given upgrade type."
    controller = f"Local controller {ctx.services.node_id}"
    if feature is None:
        return f"{controller} does not support this feature."
    if not feature.first <= level <= feature.last:
        return f"{controller} only supports versions {feature.first}-{feature.last}"
    if level == current:
        return None
    if level > current and upgrade_type != _UPGRADE:
        return "Can't downgrade to a newer version."
    if level < current and upgrade_type == _UPGRADE:
        return (
            "Can't downgrade the version of this feature without setting the upgrade type to either "
            "safe or unsafe downgrade."
        )
    return "Its level is that of the emulated release, which does not change."


@api.refusal
def refuse(request: UpdateFeaturesRequest, ctx: RequestContext, code: int) -> UpdateFeaturesResponse:
    error = ErrorCode(code)
    return UpdateFeaturesResponse(error_code=error, error_message=error.message)
