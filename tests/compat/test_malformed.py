"""Malformed frames cost a broker only their connections, and get from Odradek what Kafka gives."""

from random import Random

import pytest

from compat.malformed.attack import attack
from compat.malformed.frames import Frame, frames, split
from compat.malformed.known import KNOWN
from compat.malformed.mutations import MUTATIONS, Mutation
from compat.malformed.requests import request
from odradek.api.registry import accepted
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.headers import decode_request_header
from odradek.protocol.messages import request_class

SEED = 1
FRAMES = 1500


@pytest.mark.oracle
@pytest.mark.parametrize("release", ["3.9", "4.3"])
def test_odradek_makes_of_malformed_frames_what_kafka_makes_of_them(release: str):
    result = attack(release, SEED, FRAMES)
    assert result.is_survived, f"seed {SEED}: {result}"


@pytest.mark.parametrize("release", ["3.9", "4.3"])
def test_what_is_mutated_was_valid(release: str):
    for api, versions in accepted(release).items():
        for version in range(versions.first, versions.last + 1):
            payload = b"".join(piece.raw for piece in request(api, version, 7, Random(1)))
            frame = memoryview(payload)
            head, at = decode_request_header(frame)
            assert (head.api_key, head.api_version, head.correlation_id) == (api, version, 7)
            decoded = request_class(api).decode(version, frame, at)
            assert decoded.to_bytes(version) == payload[at:], (api, version)


def test_a_seed_is_its_frames():
    first, second = list(frames(1, 300, "3.9")), list(frames(1, 300, "3.9"))
    assert first == second
    assert first != list(frames(2, 300, "3.9"))


def test_every_api_and_kind_of_mutation_gets_its_turn():
    found = list(frames(SEED, FRAMES, "3.9"))
    assert {frame.api for frame in found} == set(accepted("3.9"))
    assert {frame.mutation for frame in found} >= {"truncated", "resized", "tagged", "missized", "redirected"}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_request_without_text_or_lists_can_be_mutated_too(mutation: Mutation) -> None:
    random = Random(1)
    pieces = request(ApiKey.CONTROLLED_SHUTDOWN, 0, 1, random)
    assert mutation(pieces, random)


def test_nothing_is_left_over_for_the_question_behind_it():
    for frame in frames(3, 500, "4.3"):
        whole = sum(4 + len(each) for each in split(frame.raw))
        rest = frame.raw[whole : whole + 4]
        assert not rest or not 0 <= int.from_bytes(rest, "big", signed=True) <= 100 * 1024 * 1024


def test_known_differences_are_few_and_argued():
    assert len(KNOWN) <= 10
    assert all(each.reason for each in KNOWN)
    frame = Frame(1, ApiKey.JOIN_GROUP, 3, "nulled", b"")
    joined = "JOIN_GROUP error_code=NONE"
    assert any(each.covers(frame, "waits", joined) for each in KNOWN)
    assert not any(each.covers(frame, joined, "waits") for each in KNOWN)
