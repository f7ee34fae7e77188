"""A broker on its way out goes when it was told everything that the controller has to say to it."""

from typing import Any

import pytest
import trio

from odradek.broker.controlled_shutdown import ControlledShutdown, ControllerAddress, ShutdownSettings
from odradek.metadata.cache import MetadataCache
from odradek.protocol.generated.controlled_shutdown_response import ControlledShutdownResponse
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataBroker,
    UpdateMetadataEndpoint,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataTopicState,
)

LEAVING, CONTROLLER = 1, 2


class Controller:
    """Lets everybody go."""

    async def call(self, request: Any, version: int) -> ControlledShutdownResponse:
        return ControlledShutdownResponse()

    async def aclose(self) -> None: ...


def told(metadata: MetadataCache, leader: int, isr: tuple[int, ...]) -> None:
    """An UpdateMetadata about a partition that both brokers have."""
    state = UpdateMetadataPartitionState(
        partition_index=0, leader=leader, isr=list(isr), replicas=[LEAVING, CONTROLLER]
    )
    brokers = [
        UpdateMetadataBroker(id=node, endpoints=[UpdateMetadataEndpoint(9092, "h", "PLAINTEXT")])
        for node in (LEAVING, CONTROLLER)
    ]
    topics = [UpdateMetadataTopicState(topic_name="t", partition_states=[state])]
    metadata.apply(UpdateMetadataRequest(CONTROLLER, topic_states=topics, live_brokers=brokers))


def leaving(metadata: MetadataCache) -> ControlledShutdown:
    address = ControllerAddress("PLAINTEXT", lambda host, port: Controller())
    return ControlledShutdown(LEAVING, lambda: 5, metadata, address, ShutdownSettings(3, 100))


@pytest.mark.parametrize(
    ("leader", "first_told"), [(CONTROLLER, None), (LEAVING, (CONTROLLER, (LEAVING, CONTROLLER)))]
)
async def test_it_waits_until_it_follows_in_no_isr_and_longer_for_the_last_request(
    autojump_clock, leader, first_told
):
    metadata = MetadataCache()
    told(metadata, leader, (LEAVING, CONTROLLER))
    done_at: list[float] = []

    async def leave() -> None:
        assert await leaving(metadata).run()
        done_at.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await trio.sleep(0.1)
        if first_told is not None:
            told(metadata, *first_told)
        await trio.sleep(0.1)
        assert not done_at
        told(metadata, CONTROLLER, (CONTROLLER,))
        let_go_at = trio.current_time()
    assert let_go_at < done_at[0] < let_go_at + 0.1


async def test_a_controller_that_says_nothing_is_not_waited_for_long(autojump_clock):
    metadata = MetadataCache()
    told(metadata, LEAVING, (LEAVING, CONTROLLER))
    started_at = trio.current_time()
    assert await leaving(metadata).run()
    assert trio.current_time() - started_at == pytest.approx(0.5)
