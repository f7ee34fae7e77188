"""The conversation about topics: with us as each release, and with that release itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from compat.oracle.kafka import Kafka392, Kafka430
from compat.wire import Wire
from odradek.protocol.message import Message
from tests.api.topic_broker import topic_broker
from tests.api.topic_session import play

pytestmark = pytest.mark.xdist_group("kafka")

SESSIONS = Path(__file__).parent / "topic_sessions"


def kept(release: str) -> str:
    return (SESSIONS / f"{release}.txt").read_text()


@pytest.mark.parametrize("release", ["3.9", "4.3"])
async def test_odradek_answers_as_the_release_it_is(release, autojump_clock):
    async with topic_broker(odradek_emulate=release) as broker:
        began = trio.current_time()
        assert await play(broker.ask, release, "session-") == kept(release)
        # One topic of 3.9's is never led; nothing else waits.
        assert trio.current_time() - began == pytest.approx(0.5 if release == "3.9" else 0)


async def asked_of(bootstrap: str, release: str) -> str:
    with Wire(bootstrap) as wire:

        async def ask(request: Message, version: int) -> Any:
            return wire.send(request, version=version)

        return await play(ask, release, "session-")


@pytest.mark.oracle
async def test_kafka_392_answers_as_kept(kafka_392: Kafka392):
    assert await asked_of(kafka_392.bootstrap, "3.9") == kept("3.9")


@pytest.mark.oracle
async def test_kafka_430_answers_as_kept(kafka_430: Kafka430):
    assert await asked_of(kafka_430.bootstrap, "4.3") == kept("4.3")
