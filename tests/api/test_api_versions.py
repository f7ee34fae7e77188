"""ApiVersions, as 3.9.2 and 4.3.0 answered."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from odradek.api.api_versions import api_versions, refused
from odradek.api.context import Peer, RequestContext, Services
from odradek.config.release import Release
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest
from odradek.protocol.generated.api_versions_response import ApiVersion, ApiVersionsResponse


def context(release: str, version: int) -> RequestContext:
    services: Any = SimpleNamespace(release=Release.parse(release))
    peer = Peer("c", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)
    return RequestContext(cast(Services, services), peer, ApiKey.API_VERSIONS, version, 1, "client")


def ask(ctx: RequestContext, name: str = "librdkafka", version: str = "2.6.1-RC1") -> ApiVersionsResponse:
    request = ApiVersionsRequest(client_software_name=name, client_software_version=version)
    answer = api_versions(request, ctx)
    return ApiVersionsResponse.decode(ctx.api_version, memoryview(answer.to_bytes(ctx.api_version)))


def test_3_9_reports_its_ranges_in_the_order_of_keys_and_no_features() -> None:
    answer = ask(context("3.9", 4))
    keys = [each.api_key for each in answer.api_keys]
    assert keys == sorted(keys)
    assert (answer.api_keys[0].min_version, answer.api_keys[0].max_version) == (0, 11)
    assert (answer.supported_features, answer.finalized_features, answer.finalized_features_epoch) == (
        [],
        [],
        0,
    )
    assert answer.error_code == ErrorCode.NONE


def features(answer: ApiVersionsResponse) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    return (
        {each.name: (each.min_version, each.max_version) for each in answer.supported_features},
        {each.name: (each.min_version_level, each.max_version_level) for each in answer.finalized_features},
    )


def test_4_3_reports_what_a_new_cluster_has_turned_on() -> None:
    supported, finalized = features(ask(context("4.3", 4)))
    assert supported == {
        "group.version": (0, 1),
        "kraft.version": (0, 1),
        "metadata.version": (7, 30),
        "share.version": (0, 1),
        "streams.version": (0, 1),
        "transaction.version": (0, 2),
        "eligible.leader.replicas.version": (0, 1),
    }
    assert finalized == {
        "group.version": (1, 1),
        "kraft.version": (1, 1),
        "share.version": (1, 1),
        "metadata.version": (30, 30),
        "streams.version": (1, 1),
        "transaction.version": (2, 2),
        "eligible.leader.replicas.version": (1, 1),
    }


def test_features_that_begin_at_level_zero_are_hidden_from_old_clients() -> None:
    supported, finalized = features(ask(context("4.3", 3)))
    assert supported == {"metadata.version": (7, 30)}
    assert len(finalized) == 7


def test_4_0_has_not_turned_eligible_leader_replicas_on() -> None:
    supported, finalized = features(ask(context("4.0", 4)))
    assert supported.keys() - finalized.keys() == {"eligible.leader.replicas.version"}
    assert finalized["metadata.version"] == (25, 25)


@pytest.mark.parametrize(("name", "version"), [("", "1"), ("a b", "1"), ("a", "1."), ("-a", "1"), ("a", "")])
def test_an_improper_software_name_or_version_is_refused(name: str, version: str) -> None:
    assert ask(context("3.9", 3), name, version) == ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)


def test_the_software_is_remembered_and_before_version_3_not_asked_for() -> None:
    ctx = context("3.9", 2)
    assert ask(ctx, "a b", "").error_code == ErrorCode.NONE
    assert ctx.client_software_name == "unknown"
    ctx.api_version = 3
    ask(ctx, "librdkafka", "2.6.1-RC1")
    assert (ctx.client_software_name, ctx.client_software_version) == ("librdkafka", "2.6.1-RC1")


def test_an_unsupported_version_is_told_the_range_of_this_api_alone() -> None:
    answer = refused(ApiVersionsRequest(), context("3.9", 0), ErrorCode.UNSUPPORTED_VERSION)
    assert answer.api_keys == [ApiVersion(api_key=18, min_version=0, max_version=4)]
    assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
    answer = refused(ApiVersionsRequest(), context("2.8", 0), ErrorCode.UNSUPPORTED_VERSION)
    assert answer.api_keys == [ApiVersion(api_key=18, min_version=0, max_version=3)]


def test_features_come_in_the_order_of_4_3() -> None:
    answer = ask(context("4.3", 4))
    supported = [each.name.removesuffix(".version") for each in answer.supported_features]
    finalized = [each.name.removesuffix(".version") for each in answer.finalized_features]
    last = ["streams", "transaction", "eligible.leader.replicas"]
    assert supported == ["group", "kraft", "metadata", "share", *last]
    assert finalized == ["group", "kraft", "share", "metadata", *last]
