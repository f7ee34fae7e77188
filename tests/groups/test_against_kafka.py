"""Every scenario, held with real Kafka and with our coordinator: the transcripts must be the same.

Ours runs behind the API modules over an internal topic in memory, so what is compared is everything from
the decoded request to the response, at every version.
"""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
import trio

from compat.wire import Wire
from odradek.api import registry
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.message import Message
from tests.api.group_broker import TOPIC_ID, GroupBroker, group_broker
from tests.groups import scenarios
from tests.groups.conversation import Conversation, Pending, Scenario

pytestmark = pytest.mark.xdist_group("kafka")


class WirePending:
    def __init__(self, wire: Wire, request: Message, version: int) -> None:
        self._wire, self._request, self._version = wire, request, version
        self._sent = wire.post(request, version=version)

    def take(self) -> Any:
        with self._wire:
            return self._wire.take(self._request, version=self._version, correlation_id=self._sent)


class RealCoordinator:
    """A Kafka broker that coordinates every group."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.topic_id = UUID(int=0)

    def post(self, request: Message, version: int) -> Pending:
        return WirePending(Wire(self._bootstrap, client_id="client"), request, version)

    def prepare(self, topic: str) -> None:
        """Create the topic, and wait until every partition of __consumer_offsets has its coordinator."""
        with Wire(self._bootstrap) as wire:
            topics = [CreatableTopic(name=topic, num_partitions=2, replication_factor=1)]
            created = wire.send(CreateTopicsRequest(topics=topics, timeout_ms=30_000), version=7)
            self.topic_id = created.topics[0].topic_id
            while wire.send(FindCoordinatorRequest(key="g"), version=3).error_code:
                pass
            groups = DescribeGroupsRequest(groups=[f"any group {number}" for number in range(1_000)])
            while any(group.error_code for group in wire.send(groups, version=5).groups):
                pass


class OurPending:
    def __init__(self, broker: GroupBroker, request: Message, version: int, nursery: trio.Nursery) -> None:
        self._answered = threading.Event()
        self._response: Any = None
        module = registry.SERVED[ApiKey(request.API_KEY)].module

        async def ask() -> None:
            loaded = __import__(f"odradek.api.{module}", fromlist=["api"])
            self._response = await broker.ask(loaded, version, request)
            self._answered.set()

        trio.from_thread.run_sync(nursery.start_soon, ask)

    def take(self) -> Any:
        assert self._answered.wait(30)
        return self._response


class OurCoordinator:
    """Our coordinator, asked from a thread because conversations block."""

    def __init__(self, broker: GroupBroker, nursery: trio.Nursery) -> None:
        self._broker, self._nursery = broker, nursery

    def post(self, request: Message, version: int) -> Pending:
        return OurPending(self._broker, request, version, self._nursery)


def held_with_us(scenario: Scenario, topic: str, release: str) -> list[tuple[str, Any]]:
    async def hold() -> list[tuple[str, Any]]:
        async with group_broker(odradek_emulate=release) as broker, trio.open_nursery() as nursery:
            broker.has_topic(topic, 2)
            talk = Conversation(OurCoordinator(broker, nursery), topic, TOPIC_ID)
            await trio.to_thread.run_sync(scenario, talk)
            nursery.cancel_scope.cancel()
        return talk.transcript

    return trio.run(hold)


def held_with_kafka(scenario: Scenario, topic: str, kafka: RealCoordinator) -> list[tuple[str, Any]]:
    talk = Conversation(kafka, topic, kafka.topic_id)
    scenario(talk)
    return talk.transcript


TOPIC = "groups-against-kafka"


@pytest.fixture(scope="module")
def coordinator_392(kafka_392: Any) -> RealCoordinator:
    coordinator = RealCoordinator(kafka_392.bootstrap)
    coordinator.prepare(TOPIC)
    return coordinator


@pytest.fixture(scope="module")
def coordinator_430(kafka_430: Any) -> RealCoordinator:
    coordinator = RealCoordinator(kafka_430.bootstrap)
    coordinator.prepare(TOPIC)
    return coordinator


@pytest.mark.oracle
@pytest.mark.parametrize("scenario", scenarios.EVERYWHERE, ids=lambda scenario: scenario.__name__)
def test_as_kafka_3_9(scenario: Scenario, coordinator_392: RealCoordinator):
    assert held_with_us(scenario, TOPIC, "3.9") == held_with_kafka(scenario, TOPIC, coordinator_392)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "scenario", scenarios.EVERYWHERE + scenarios.SINCE_RELEASE_4, ids=lambda scenario: scenario.__name__
)
def test_as_kafka_4_3(scenario: Scenario, coordinator_430: RealCoordinator):
    assert held_with_us(scenario, TOPIC, "4.3") == held_with_kafka(scenario, TOPIC, coordinator_430)
