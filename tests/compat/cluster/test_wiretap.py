"""What a proxy heard two real brokers say becomes requests with their answers."""

import json
from pathlib import Path

from compat.cluster.proxy import Direction, Frame
from compat.cluster.wiretap import Wiretap
from odradek.protocol.api_keys import ApiKey

HEARD = json.loads((Path(__file__).parents[2] / "protocol" / "between_brokers.json").read_text())


def test_requests_are_paired_with_their_answers():
    wiretap = Wiretap()
    for number, exchange in enumerate(HEARD):
        # Each on a connection of its own: their correlation ids are not in order.
        wiretap.hear(1, Frame(number, number, Direction.TO_BROKER, bytes.fromhex(exchange["request"])))
    for number, exchange in reversed(list(enumerate(HEARD))):
        wiretap.hear(1, Frame(99, number, Direction.FROM_BROKER, bytes.fromhex(exchange["response"])))
    assert [exchange.api.name for exchange in wiretap] == [exchange["api"] for exchange in HEARD]
    for exchange in wiretap:
        assert exchange.answered_s == 99
        request_name, response_name = type(exchange.request).__name__, type(exchange.response).__name__
        assert response_name.removesuffix("Response") == request_name.removesuffix("Request")


def test_what_is_no_request_is_left_out():
    wiretap = Wiretap()
    wiretap.hear(1, Frame(0, 1, Direction.TO_BROKER, b"?"))
    wiretap.hear(1, Frame(0, 1, Direction.FROM_BROKER, b"\0\0\0\1"))
    assert list(wiretap) == []


def test_what_was_said_is_forgotten():
    wiretap = Wiretap()
    wiretap.hear(1, Frame(0, 1, Direction.TO_BROKER, bytes.fromhex(HEARD[0]["request"])))
    (exchange,) = wiretap
    assert exchange.api is ApiKey[HEARD[0]["api"]]
    wiretap.clear()
    assert list(wiretap) == []
