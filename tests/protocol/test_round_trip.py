"""Every message, every version: what is written reads back the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.generated.metadata_response import (
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from odradek.protocol.message import Message
from tests.protocol.examples import MESSAGES, RandomChoices, example, generated_class, messages

quickly = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
thoroughly = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

HOT = ("ProduceRequest", "FetchRequest", "FetchResponse", "MetadataResponse", "OffsetCommitRequest")


def assert_reads_back(version: int, value: Message) -> None:
    raw = value.to_bytes(version)
    cls = type(value)
    found, end = cls.decode_from(version, memoryview(raw))
    assert end == len(raw)
    assert found == value
    assert found.to_bytes(version) == raw
    assert cls.decode_from(version, memoryview(b"xx" + raw), 2) == (value, end + 2)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_version_reads_back(name: str):
    for version in MESSAGES[name].versions:
        for seed in range(2):
            choices = RandomChoices(f"{name} {version} {seed}")
            assert_reads_back(version, example(MESSAGES[name], version, choices))
        assert_reads_back(version, generated_class(MESSAGES[name])())


@pytest.mark.parametrize("name", MESSAGES)
def test_any_value_reads_back(name: str):
    any_value(name, quickly)()


@pytest.mark.parametrize("name", HOT)
def test_any_value_of_a_hot_message_reads_back(name: str):
    any_value(name, thoroughly)()


def any_value(name: str, effort: settings) -> Callable[[], None]:
    @effort
    @given(messages(MESSAGES[name]))
    def check(drawn: tuple[int, Message]) -> None:
        assert_reads_back(*drawn)

    return check


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384, 32_767])
def test_lengths_around_the_borders_of_varints(length: int):
    for version in (3, 4):
        assert_reads_back(version, HeartbeatRequest(group_id="x" * length))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 18, 126, 127, 128])
def test_counts_around_the_borders_of_varints_and_precompiled_structs(count: int):
    partition = MetadataResponsePartition(replica_nodes=[*range(count)])
    topic = MetadataResponseTopic(name="t", partitions=[partition] * count)
    for version in (8, 9):
        assert_reads_back(version, MetadataResponse(topics=[topic]))
