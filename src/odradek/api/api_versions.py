"""ApiVersions (key 18): what this broker accepts, by API, and its features.

0  initial   1  throttle_time_ms   2  answered before throttling   3  flexible, client software name and
version (KIP-511), features (KIP-584)   4  features may begin at level 0 (KAFKA-17492)

A client sends its newest version before it knows anything: a version that is not served is answered at
version 0, with UNSUPPORTED_VERSION and the range of this API alone. The response header never has tagged
fields.
"""

from __future__ import annotations

import re

from odradek.api.api import Api, Versions
from odradek.api.context import RequestContext
from odradek.api.features import finalized_features, supported_features
from odradek.api.registry import accepted, advertised
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest
from odradek.protocol.generated.api_versions_response import (
    ApiVersion,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
_FIRST_WITH_SOFTWARE = 3
_FIRST_WITH_LEVEL_ZERO = 4

api = Api(key=ApiKey.API_VERSIONS, versions=Versions(0, 4), request=ApiVersionsRequest)


@api.handler
def api_versions(request: ApiVersionsRequest, ctx: RequestContext) -> ApiVersionsResponse:
    if ctx.api_version >= _FIRST_WITH_SOFTWARE:
        name, version = request.client_software_name, request.client_software_version
        if _SOFTWARE.fullmatch(name) is None or _SOFTWARE.fullmatch(version) is None:
            return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
        ctx.peer.client_software_name, ctx.peer.client_software_version = name, version
    release = str(ctx.services.release)
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=key, min_version=versions.first, max_version=versions.last)
            for key, versions in advertised(release).items()
        ],
        supported_features=[
            SupportedFeatureKey(name=feature.name, min_version=feature.first, max_version=feature.last)
            for feature in supported_features(release)
            if feature.first > 0 or ctx.api_version >= _FIRST_WITH_LEVEL_ZERO
        ],
        finalized_features_epoch=0,
        finalized_features=[
            FinalizedFeatureKey(
                name=feature.name, min_version_level=feature.level, max_version_level=feature.level
            )
            for feature in finalized_features(release)
        ],
    )


@api.refusal
def refused(_: ApiVersionsRequest, ctx: RequestContext, code: int) -> ApiVersionsResponse:
    if code != ErrorCode.UNSUPPORTED_VERSION:
        return ApiVersionsResponse(error_code=code)
    own = accepted(str(ctx.services.release))[ApiKey.API_VERSIONS]
    return ApiVersionsResponse(
        error_code=code,
        api_keys=[ApiVersion(api_key=ApiKey.API_VERSIONS, min_version=own.first, max_version=own.last)],
    )
