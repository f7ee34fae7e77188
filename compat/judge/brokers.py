"""The brokers that scenarios run on: real Kafka, Odradek as one of its releases, or one at an address."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from compat.judge.session import Broker
from compat.odradek import Odradek
from compat.oracle.kafka import SINGLE_BROKER, kafka
from compat.wire import Wire
from odradek.protocol.generated.delete_groups_request import DeleteGroupsRequest
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest
from odradek.protocol.generated.find_coordinator_request import FindCoordinatorRequest
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.list_groups_request import ListGroupsRequest
from odradek.protocol.generated.metadata_request import MetadataRequest
from odradek.protocol.generated.offset_fetch_request import OffsetFetchRequest, OffsetFetchRequestGroup

ORACLES: Final = {"3.9": "3.9.2", "4.3": "4.3.0"}
"""The releases that judge, and the builds of them that are asked."""

EVERY_BROKER: Final[Mapping[str, str]] = {
    **SINGLE_BROKER,
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # The records of scenarios are old, so that they are the same in every run; none may expire meanwhile.
    "log.retention.ms": "-1",
}
_READY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Address:
    """A broker that somebody else runs."""

    bootstrap: str

    def restart(self) -> None:
        raise RuntimeError(f"{self.bootstrap} is not ours to restart")

    def kill(self) -> None:
        raise RuntimeError(f"{self.bootstrap} is not ours to kill")


@contextlib.contextmanager
def real_kafka(release: str, properties: Mapping[str, str]) -> Iterator[Broker]:
    """The judge itself, ready for groups."""
    with kafka(ORACLES[release], overrides={**EVERY_BROKER, **properties}) as broker:
        make_ready(broker.bootstrap)
        yield broker


@contextlib.contextmanager
def odradek(release: str, properties: Mapping[str, str]) -> Iterator[Broker]:
    """Odradek as ``release``, ready for groups."""
    with Odradek(overrides={**EVERY_BROKER, **properties, "odradek.emulate": release}) as broker:
        make_ready(broker.bootstrap)
        yield broker


def make_ready(bootstrap: str) -> None:
    """Have the broker make what it makes when first asked, so that no scenario depends on being the first.

    That is the offsets topic, loaded, and a block of producer ids.
    """
    with Wire(bootstrap) as wire:
        producer = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        wire.send(FindCoordinatorRequest(coordinator_keys=["judge"]), version=4)
        question = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="judge", topics=[])])
        deadline = time.monotonic() + _READY_S
        while (
            wire.send(question, version=8).groups[0].error_code or wire.send(producer, version=4).error_code
        ):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{bootstrap} did not become ready")
            time.sleep(0.1)


def forget_scenarios(bootstrap: str, prefix: str) -> None:
    """Delete the topics and groups that an earlier run has left on somebody else's broker."""
    with Wire(bootstrap) as wire:
        topics = [topic.name for topic in wire.send(MetadataRequest(topics=None), version=4).topics]
        groups = [group.group_id for group in wire.send(ListGroupsRequest(), version=2).groups]
        ours = [name for name in topics if name.startswith(prefix)]
        wire.send(DeleteTopicsRequest(topic_names=ours, timeout_ms=30_000), version=3)
        left = [name for name in groups if name.startswith(prefix)]
        wire.send(DeleteGroupsRequest(groups_names=left), version=1)
