"""The data path answers as real Kafka does: the same session of 900 requests to both, answer by answer."""

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import Kafka392, Kafka430
from tests.integration.data_path_session import DataPathSession

pytestmark = [pytest.mark.oracle, pytest.mark.integration]


def test_produce_and_fetch_are_those_of_3_9() -> None:
    # Both are new: what other tests did to a shared broker (its configs, its internal topics) would show.
    with Odradek() as broker, Kafka392() as kafka:
        ours = DataPathSession(broker.bootstrap, since_4_0=False).answers()
        assert ours == DataPathSession(kafka.bootstrap, since_4_0=False).answers()


def test_produce_and_fetch_are_those_of_4_3() -> None:
    with Odradek(overrides={"odradek.emulate": "4.3"}) as broker, Kafka430() as kafka:
        ours = DataPathSession(broker.bootstrap, since_4_0=True).answers()
        assert ours == DataPathSession(kafka.bootstrap, since_4_0=True).answers()
