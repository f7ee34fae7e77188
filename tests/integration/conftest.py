"""Odradek as its users start it: one shared broker, one of a test's own, and pairs beside real Kafka."""

from collections.abc import Iterator

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import Kafka392


@pytest.fixture(scope="session")
def broker() -> Iterator[Odradek]:
    """A running Odradek, shared by all tests: use topic and group names of your own, and never stop it."""
    with Odradek() as broker:
        yield broker


@pytest.fixture
def own_broker() -> Iterator[Odradek]:
    """A running Odradek of one test, which may kill and restart it."""
    with Odradek() as broker:
        yield broker


@pytest.fixture(params=["kafka", "odradek"])
def either(request: pytest.FixtureRequest) -> str:
    """The address of real Kafka 3.9.2, then of Odradek: what a client test asserts must hold of both."""
    broker: Kafka392 | Odradek = request.getfixturevalue(
        "kafka_392" if request.param == "kafka" else "broker"
    )
    return broker.bootstrap
