"""Whatever well-formed request comes, at whatever version: it is answered, and surprises no handler."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from odradek import telemetry
from odradek.api.registry import accepted
from odradek.coordination.embedded import EmbeddedStore
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.create_topics_response import CreateTopicsResponse
from odradek.protocol.generated.index import APIS
from odradek.protocol.generated.produce_request import ProduceRequest
from odradek.protocol.messages import request_class, response_class
from odradek.records.builder import build_batch
from odradek.records.record import Record
from odradek.telemetry import Level
from tests.broker.wire import connected, running
from tests.protocol.examples import MESSAGES, example

NAMES = (
    *("t1", "t2", "g1", "", "bad name", ".", "__consumer_offsets", "PLAINTEXT", "consumer", "range"),
    *("0", "1", "retention.ms", "cleanup.policy", "compact", "max.message.bytes", "ünï", "x" * 300),
)
NUMBERS = (-1, 0, 0, 1, 1, 2, 3, 100)
CREATES = (ApiKey.CREATE_TOPICS, ApiKey.CREATE_PARTITIONS)
"""A broker does create two milliards of partitions, as long as the machine lasts."""

CONTROLS = (ApiKey.LEADER_AND_ISR, ApiKey.STOP_REPLICA, ApiKey.UPDATE_METADATA)
"""After these a broker is not what it was, so they come last."""

CONTROLLER_EPOCH = 1
"""That of the broker's own controller: a higher one would depose it."""

ANSWER_WITHIN_S = 1
"""Some requests wait for what will not happen."""


class PlausibleChoices:
    """Values that get far: names that exist, small numbers, real batches; and the opposite."""

    def __init__(self, seed: str, *, extremes: bool) -> None:
        self._random = Random(seed)
        self._extremes = extremes

    def integer(self, low: int, high: int) -> int:
        if high - low <= 3:
            return self._random.randint(low, high)
        if self._extremes and self._random.random() < 0.1:
            return self._random.choice((low, high))
        return min(max(self._random.choice(NUMBERS), low), high)

    def text(self) -> str:
        return self._random.choice(NAMES)

    def binary(self, size: int | None = None) -> bytes:
        if size is not None:
            return self._random.choice((bytes(size), self._random.randbytes(size)))
        if self._random.random() < 0.5:
            return bytes(build_batch([Record(offset, 1000 + offset, b"k", b"v") for offset in range(2)]))
        return self._random.randbytes(self._random.choice((0, 1, 17, 61, 62, 130)))


def make_answerable(request: ProduceRequest) -> None:
    """Kafka does not answer acks=0, and closes the connection for records that are null."""
    request.acks = request.acks or 1
    for topic in request.topic_data:
        for partition in topic.partition_data:
            partition.records = partition.records or b""


@pytest.mark.parametrize("release", ["2.8", "3.9", "4.3"])
async def test_no_request_surprises_its_handler(
    release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surprises: list[Mapping[str, Any]] = []

    def note(level: Level, _: str, event: str, fields: Mapping[str, Any]) -> None:
        if level >= Level.ERROR:
            surprises.append({"event": event, **fields})

    monkeypatch.setattr(telemetry.loggers, "output", note)
    properties = {"odradek.emulate": release}
    async with EmbeddedStore() as store, running(tmp_path, properties, store) as broker:
        async with connected(broker) as wire:
            topics = [CreatableTopic("t1", 3, 1), CreatableTopic("t2", 1, 1)]
            await wire.ask(CreateTopicsRequest(topics, 10_000), CreateTopicsResponse, 5)
        for key, versions in sorted(accepted(release).items(), key=lambda each: each[0] in CONTROLS):
            for version in range(versions.first, versions.last + 1):
                choices = PlausibleChoices(f"{key} {version}", extremes=key not in CREATES)
                made = example(MESSAGES[APIS[key].request_class], version, choices)
                for request in (made, request_class(key)()):
                    if isinstance(request, ProduceRequest):
                        make_answerable(request)
                    if key in CONTROLS:
                        control: Any = request
                        control.controller_epoch = CONTROLLER_EPOCH
                        control.is_kraft_controller = False
                    async with connected(broker) as wire:
                        with trio.move_on_after(ANSWER_WITHIN_S):
                            await wire.ask(request, response_class(key), version)
    assert surprises == []
