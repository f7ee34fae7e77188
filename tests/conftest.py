"""What every kind of test may ask for: real Kafka and its tools, each started once per session and lazily.

`make test` runs in several processes, each a session of its own, so what shares an oracle stays together:

    the tests of one file          in one process: its module's fixtures are made once
    xdist_group("kafka")           every file that asks `kafka_392` or `kafka_430`, all in one process
    xdist_group("tools")           likewise those that ask `tools_392` or `tools_430`
    tests in `SCATTERED`           wherever a process is free: they share nothing

Programs of others take part in integration tests, on a clock that nobody here holds: such a test has a second
chance, which pytest's closing line counts. The judge, the simulation and all tests of our own code have none.

Hypothesis draws the same examples in every run, and no example has a deadline: neither chance nor a slow
machine decides. `make torture` is where chance looks for what nobody thought of.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from compat.oracle.kafka import Kafka392, Kafka430
from compat.oracle.tools import ToolHost

FORGETFUL_ONCE_A_DAY = {"offsets.retention.check.interval.ms": "86400000"}
"""Every ten minutes Kafka deletes empty groups without offsets, in the midst of whichever test it is then."""

SCATTERED = ("tests/compat/test_judge_odradek.py", "tests/simulation/")

settings.register_profile(
    "certain", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("certain")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test its group, and let those that mostly wait for other programs begin first."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("oracle", "integration"))))
    for item in items:
        file = item.location[0]
        if item.get_closest_marker("xdist_group") is None and not file.startswith(SCATTERED):
            item.add_marker(pytest.mark.xdist_group(file))
        if item.get_closest_marker("integration") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def kafka_392() -> Iterator[Kafka392]:
    """A running Kafka 3.9.2 broker in ZooKeeper mode, shared: use topic and group names of your own."""
    with Kafka392(overrides=FORGETFUL_ONCE_A_DAY) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_430() -> Iterator[Kafka430]:
    """A running Kafka 4.3.0 node in KRaft mode, shared: use topic and group names of your own."""
    with Kafka430(overrides=FORGETFUL_ONCE_A_DAY) as broker:
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
