"""Refusals come at once: what no waiting can change is not waited for."""

import time

import pytest

from compat.wire import Wire
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

TIMEOUT_MS = 20_000


def test_deleting_a_topic_that_is_not_there_is_refused_before_the_time_is_up(either: str) -> None:
    request = DeleteTopicsRequest(topic_names=["no-such-topic"], timeout_ms=TIMEOUT_MS)
    began = time.monotonic()
    with Wire(either) as wire:
        (result,) = wire.send(request, version=5).responses
    assert result.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert time.monotonic() - began < TIMEOUT_MS / 2000
