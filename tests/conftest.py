"""What every kind of test may ask for: real Kafka and its tools, each started once per session and lazily."""

from collections.abc import Iterator

import pytest

from compat.oracle.kafka import Kafka392, Kafka430
from compat.oracle.tools import ToolHost


@pytest.fixture(scope="session")
def kafka_392() -> Iterator[Kafka392]:
    """A running Kafka 3.9.2 broker in ZooKeeper mode, shared: use topic and group names of your own."""
    with Kafka392() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_430() -> Iterator[Kafka430]:
    """A running Kafka 4.3.0 node in KRaft mode, shared: use topic and group names of your own."""
    with Kafka430() as broker:
        yield broker


@pytest.fixture(scope="session")
def tools_392() -> Iterator[ToolHost]:
    """The command-line tools of Kafka 3.9.2."""
    with ToolHost("3.9.2") as tools:
        yield tools


@pytest.fixture(scope="session")
def tools_430() -> Iterator[ToolHost]:
    """The command-line tools of Kafka 4.3.0."""
    with ToolHost("4.3.0") as tools:
        yield tools
