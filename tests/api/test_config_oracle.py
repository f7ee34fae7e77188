"""What real brokers answer today: the scenarios again, and every config they describe beside ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from compat.oracle.kafka import Kafka392, Kafka430
from odradek.api import describe_configs
from odradek.api.config_resources import ResourceType
from odradek.protocol.generated.alter_configs_response import AlterConfigsResponse
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.describe_configs_request import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from odradek.protocol.generated.describe_configs_response import DescribeConfigsResponse
from odradek.protocol.generated.incremental_alter_configs_response import IncrementalAlterConfigsResponse
from odradek.protocol.headers import RequestHeader, encode_request_frame, response_header_version
from tests.api import test_alter_configs, test_incremental_alter_configs
from tests.api.config_broker import config_broker
from tests.api.config_scenarios import SCENARIOS, Scenario

pytestmark = [pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

TOPIC = "config-oracle"
"""The scenarios' `t`; the brokers are shared with other tests."""

DEPLOYMENT = {
    "advertised.listeners",
    "broker.id",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
    "metadata.log.dir",
    "node.id",
    "odradek.emulate",
    "offsets.retention.check.interval.ms",
    "process.roles",
    "zookeeper.connect",
}
"""Configs that differ because the brokers stand elsewhere, or because tests share the real ones."""


class Client:
    """One connection to a real broker."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=30)
        self._stream = self._socket.makefile("rb")

    def ask(self, request: Any, version: int, response: Any) -> Any:
        header = RequestHeader(request.API_KEY, version, 1, "oracle")
        frame_out = cast(list[bytes], encode_request_frame(header, request))
        self._socket.sendall(b"".join(frame_out))
        frame = self._stream.read(int.from_bytes(self._stream.read(4)))
        start = 4 + response_header_version(request.API_KEY, version)
        return response.decode(version, memoryview(frame), start)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@pytest.fixture(scope="module", params=["3.9", "4.3"])
def kafka(request: pytest.FixtureRequest) -> Iterator[tuple[str, Client]]:
    broker: Kafka392 | Kafka430 = request.getfixturevalue(
        "kafka_392" if request.param == "3.9" else "kafka_430"
    )
    client = Client(broker.bootstrap)
    topic = CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1)
    client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=10_000), 7, CreateTopicsResponse)
    yield request.param, client
    client.close()


def in_words_of(answer: tuple[int, str | None]) -> tuple[int, str | None]:
    code, message = answer
    return code, message and message.replace(f"'{TOPIC}'", "'t'")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_kafka_still_answers_so(kafka: tuple[str, Client], scenario: Scenario) -> None:
    release, client = kafka
    name = TOPIC if scenario.name == "t" else scenario.name
    if scenario.incremental:
        asked: Any = test_incremental_alter_configs.request(
            scenario.kind, name, *scenario.changes, validate_only=True
        )
        response = client.ask(asked, 1, IncrementalAlterConfigsResponse)
    else:
        asked = test_alter_configs.request(scenario.kind, name, scenario.changes, validate_only=True)
        response = client.ask(asked, 2, AlterConfigsResponse)
    (answer,) = test_alter_configs.answers(response)
    assert in_words_of(answer) == scenario.expected(release)


def shown(config: Any) -> tuple[Any, ...]:
    synonyms = [(each.name, each.value, each.source) for each in config.synonyms]
    return (
        config.value,
        config.read_only,
        config.is_sensitive,
        config.config_source,
        config.config_type,
        synonyms,
    )


@pytest.mark.parametrize("kind", [ResourceType.TOPIC, ResourceType.BROKER])
async def test_every_config_is_described_as_kafka_describes_it(
    autojump_clock: Any, kafka: tuple[str, Client], kind: ResourceType
) -> None:
    release, client = kafka
    name = TOPIC if kind is ResourceType.TOPIC else "0"
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)
    request = DescribeConfigsRequest(resources=[resource], include_synonyms=True)
    (theirs,) = client.ask(request, 4, DescribeConfigsResponse).results
    static = {each.name: each.value for each in theirs.configs if each.config_source == 4}
    given = {each: value for each, value in static.items() if value is not None and each not in DEPLOYMENT}
    async with config_broker(TOPIC, **given, odradek_emulate=release) as broker:
        (ours,) = (await broker.ask(describe_configs, 4, request)).results
    described = {each.name: shown(each) for each in ours.configs if each.name not in DEPLOYMENT}
    assert described == {each.name: shown(each) for each in theirs.configs if each.name not in DEPLOYMENT}
