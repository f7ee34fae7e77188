"""What another broker sends is accepted whatever release its clients are told; what a client sends is not."""

import struct
from types import SimpleNamespace
from typing import Any, cast

import pytest

from odradek.api.between_brokers import accepted_of_brokers
from odradek.api.context import Peer, Services
from odradek.api.dispatch import Call, Dispatcher
from odradek.api.registry import SERVED, accepted
from odradek.config.release import Release
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.fetch_request import FetchRequest, ReplicaState
from odradek.protocol.generated.list_offsets_request import ListOffsetsRequest
from odradek.protocol.generated.offset_for_leader_epoch_request import OffsetForLeaderEpochRequest
from odradek.protocol.headers import RequestHeader, encode_request_frame
from odradek.protocol.message import Message
from odradek.protocol.messages import request_class
from odradek.protocol.releases import RELEASES

FOLLOWER = 2
CONSUMER = -1
DEBUGGER = -2
PEER = Peer("c", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)


def dispatcher(release: str) -> Dispatcher:
    return Dispatcher(cast(Services, SimpleNamespace(release=Release.parse(release))))


def receive(key: ApiKey, version: int, body: Message, release: str) -> Call:
    chunks = encode_request_frame(RequestHeader(key, version, 1, "broker-2-fetcher-0"), body)
    frame = b"".join(cast("list[bytes]", chunks))[4:]
    return dispatcher(release).receive(memoryview(frame), PEER)


def fetch(version: int, replica_id: int) -> FetchRequest:
    if version < 15:
        return FetchRequest(replica_id=replica_id)
    return FetchRequest(replica_state=ReplicaState(replica_id=replica_id))


def asked_by(key: ApiKey, version: int, replica_id: int) -> Any:
    if key is ApiKey.FETCH:
        return fetch(version, replica_id)
    if key is ApiKey.LIST_OFFSETS:
        return ListOffsetsRequest(replica_id=replica_id)
    return OffsetForLeaderEpochRequest(replica_id=replica_id)


def not_offered(key: ApiKey, release: str) -> list[int]:
    """Versions that we serve and this release does not offer its clients."""
    served = SERVED[key].versions
    offered = accepted(release)[key]
    return [version for version in range(served.first, served.last + 1) if version not in offered]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("key", [ApiKey.FETCH, ApiKey.LIST_OFFSETS], ids=lambda key: key.name)
def test_a_follower_is_heard_at_newer_versions_than_the_release_offers_clients(key: ApiKey, release: str):
    for version in not_offered(key, release):
        if version > accepted(release)[key].last:
            call = receive(key, version, asked_by(key, version, FOLLOWER), release)
            assert call.request == asked_by(key, version, FOLLOWER)
            assert call.ctx.api_version == version
        for client in (CONSUMER, DEBUGGER):
            with pytest.raises(MalformedMessage, match=f"{key.name} with version {version} which is not"):
                receive(key, version, asked_by(key, version, client), release)


def test_what_a_release_has_given_up_is_refused_of_followers_too():
    """A client's frame, read as such a version, can look like theirs, and no broker that we meet sends it."""
    with pytest.raises(MalformedMessage, match="FETCH with version 1 which is not"):
        receive(ApiKey.FETCH, 1, fetch(1, FOLLOWER), "4.3")


def test_there_are_versions_that_releases_do_not_offer():
    assert not_offered(ApiKey.FETCH, "2.8") == [13, 14, 15, 16, 17, 18]
    assert not_offered(ApiKey.FETCH, "4.3") == [0, 1, 2, 3]
    assert not_offered(ApiKey.LIST_OFFSETS, "2.8") == [7, 8, 9, 10, 11]
    assert not_offered(ApiKey.OFFSET_FOR_LEADER_EPOCH, "4.3") == [0, 1]


def test_an_epoch_question_without_a_replica_is_a_clients():
    """Before version 3 it does not say who asks; 3.9 brokers send version 4, which every release offers."""
    for version in (0, 1):
        with pytest.raises(MalformedMessage):
            receive(ApiKey.OFFSET_FOR_LEADER_EPOCH, version, OffsetForLeaderEpochRequest(), "4.3")


@pytest.mark.parametrize("release", RELEASES)
def test_what_only_brokers_send_is_accepted_at_every_version_that_is_served(release: str):
    asked_with_an_id = {ApiKey.FETCH, ApiKey.LIST_OFFSETS, ApiKey.OFFSET_FOR_LEADER_EPOCH}
    for key, versions in accepted_of_brokers(release).items():
        if key not in asked_with_an_id:
            for version in range(versions.first, versions.last + 1):
                assert receive(key, version, request_class(key)(), release).ctx.api_key == key


def test_versions_that_are_not_served_are_refused_of_brokers_too():
    last = SERVED[ApiKey.LIST_OFFSETS].versions.last
    frame = struct.pack(">hhihb", ApiKey.LIST_OFFSETS, last + 1, 1, 0, 0)
    frame += asked_by(ApiKey.LIST_OFFSETS, last, FOLLOWER).to_bytes(last)
    with pytest.raises(MalformedMessage, match=f"LIST_OFFSETS with version {last + 1} which is not enabled"):
        dispatcher("2.8").receive(memoryview(frame), PEER)


def test_clients_own_requests_are_no_brokers():
    assert not {ApiKey.PRODUCE, ApiKey.METADATA, ApiKey.API_VERSIONS} & set(accepted_of_brokers("2.8"))
