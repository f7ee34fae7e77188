"""A client of a simulated cluster: who leads what, and requests to brokers over the simulated network."""

from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import trio

from odradek.errors import MalformedMessage
from odradek.peers.broker_client import BrokerClient, ClientSettings
from odradek.peers.transport import PeerUnreachable
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.metadata_response import MetadataResponse
from odradek.protocol.message import Message
from odradek.testing.broker_process import PORT
from odradek.testing.network import Network

METADATA_VERSION = 9
_SETTINGS = ClientSettings(request_timeout_ms=4_000, connection_setup_timeout_ms=2_000)

Lost = (PeerUnreachable, MalformedMessage)
"""No answer came, whether the request did or not."""


class Client:
    """One connection to each broker, and what the last Metadata response said. Owned by one task."""

    def __init__(self, name: str, network: Network, brokers: Sequence[str], random: Random) -> None:
        self.name = name
        self.random = random
        self._transport = network.transport(name)
        self._bootstrap = list(brokers)
        self._clients: dict[str, BrokerClient] = {}
        self._leaders: dict[tuple[str, int], str] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self.controller: str | None = None

    async def ask(self, host: str, request: Message, version: int) -> Any:
        """Raises one of `Lost`."""
        client = self._clients.get(host)
        if client is None:
            client = BrokerClient(self._transport, host, PORT, client_id=self.name, settings=_SETTINGS)
            self._clients[host] = client
        return await client.call(request, version)

    def any_broker(self) -> str:
        return self.random.choice(self._bootstrap)

    async def refresh(self, topic: str) -> int:
        """Ask a broker who leads the topic's partitions; how many it has. Raises one of `Lost`."""
        request = MetadataRequest([MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False)
        answer: MetadataResponse = await self.ask(self.any_broker(), request, METADATA_VERSION)
        hosts = {broker.node_id: broker.host for broker in answer.brokers}
        self.controller = hosts.get(answer.controller_id)
        (found,) = answer.topics
        for partition in found.partitions:
            key = topic, partition.partition_index
            host = hosts.get(partition.leader_id)
            if partition.leader_epoch < self._epochs.get(key, -1):
                continue  # an old answer, as Kafka's clients recognise it too (KIP-320)
            self._epochs[key] = partition.leader_epoch
            if host is None:
                self._leaders.pop(key, None)
            else:
                self._leaders[key] = host
        return len(found.partitions)

    async def leader(self, topic: str, partition: int) -> str:
        """The host that leads, as far as is known; asks until some broker says so."""
        while (topic, partition) not in self._leaders:
            with suppress(*Lost):
                await self.refresh(topic)
            if (topic, partition) not in self._leaders:
                await self.back_off()
        return self._leaders[topic, partition]

    def leader_epoch(self, topic: str, partition: int) -> int:
        """Of the leader that is known: a broker that is behind or ahead of it refuses."""
        return self._epochs.get((topic, partition), -1)

    def learn_epoch(self, topic: str, partition: int, epoch: int) -> None:
        """Somebody else has read from the leader of that epoch: an earlier one will not do."""
        if epoch > self.leader_epoch(topic, partition):
            self._epochs[topic, partition] = epoch
            self._leaders.pop((topic, partition), None)

    async def doubt(self, topic: str, partition: int) -> None:
        """What was known of the leader seems to be wrong."""
        self._leaders.pop((topic, partition), None)
        await self.back_off()

    async def back_off(self) -> None:
        await trio.sleep(0.05 + 0.1 * self.random.random())
