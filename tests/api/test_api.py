"""Ranges of versions, and refusals as far as every API shares them."""

from typing import Any, cast

from odradek.api.api import Api, Versions
from odradek.api.refusals import refusal
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.heartbeat_response import HeartbeatResponse
from odradek.protocol.generated.list_offsets_request import ListOffsetsRequest

NO_CONTEXT = cast(Any, None)


def test_ranges_of_versions_include_both_ends() -> None:
    assert [version in Versions(2, 4) for version in range(1, 6)] == [False, True, True, True, False]


def test_ranges_of_versions_meet_or_do_not() -> None:
    assert Versions(0, 5) & Versions(3, 9) == Versions(3, 5)
    assert Versions(0, 5) & Versions(5, 5) == Versions(5, 5)
    assert Versions(0, 5) & Versions(6, 9) is None


def test_a_response_with_an_error_code_can_refuse_by_itself() -> None:
    api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)
    assert refusal(api, HeartbeatRequest(), NO_CONTEXT, 7) == HeartbeatResponse(error_code=7)


def test_a_response_without_one_cannot() -> None:
    api = Api(key=ApiKey.LIST_OFFSETS, versions=Versions(0, 9), request=ListOffsetsRequest)
    assert refusal(api, ListOffsetsRequest(), NO_CONTEXT, 7) is None


def test_an_api_may_refuse_in_its_own_way() -> None:
    api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)
    api.refusal(lambda request, ctx, code: HeartbeatResponse(throttle_time_ms=code))
    assert refusal(api, HeartbeatRequest(), NO_CONTEXT, 7) == HeartbeatResponse(throttle_time_ms=7)
