"""A leader and its follower: two brokers' logs, one fetcher, and the leader's own handlers between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import trio

from odradek.api.registry import load
from odradek.peers.spoken_versions import spoken_versions
from odradek.peers.transport import PeerReset
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.fetch_request import FetchRequest
from odradek.records.validation import AppendOrigin
from odradek.replication.fetch_settings import FetchSettings
from odradek.replication.fetch_state import FetchState
from odradek.replication.fetcher import Fetcher
from odradek.replication.partition import Partition
from odradek.replication.remote_leader import RemoteLeader
from odradek.replication.replication_quota import ReplicationQuota
from tests.api.data_broker import DataBroker, data_broker
from tests.replication.hosting import NODE_ID, TOPIC_ID, Hosting, batch, hosting

LEADER, FOLLOWER = NODE_ID, NODE_ID + 1
BOTH = (LEADER, FOLLOWER)


class Line:
    """The connection to the leader: its handlers, called in the wire format."""

    def __init__(self, leader: DataBroker) -> None:
        self._leader = leader
        self.requests: list[Any] = []
        self.versions: list[int] = []
        self.is_cut = False
        self.answered: Any = lambda request, response: response

    async def call(self, request: Any, version: int) -> Any:
        self.requests.append(request)
        self.versions.append(version)
        await trio.sleep(0.001)
        if self.is_cut:
            raise PeerReset("cut")
        response = await self._leader.ask(load(ApiKey(request.API_KEY)), request, version)
        return self.answered(request, response)

    async def aclose(self) -> None: ...

    @property
    def fetches(self) -> list[FetchRequest]:
        return [request for request in self.requests if isinstance(request, FetchRequest)]


@dataclass
class Pair:
    """A leader, a follower, and what is between them."""

    leader: DataBroker
    follower: Hosting
    fetcher: Fetcher
    line: Line
    rate: int = 2**63 - 1

    def tell(
        self,
        leader_epoch: int = 0,
        *,
        topic: str = "t",
        isr: tuple[int, ...] = BOTH,
        topic_id: UUID = TOPIC_ID,
    ) -> None:
        """The controller's word to both, and the follower takes up the leader."""
        for host in (self.leader.host, self.follower):
            host.tell(
                topic,
                leader=LEADER,
                leader_epoch=leader_epoch,
                partition_epoch=leader_epoch,
                isr=isr,
                replicas=BOTH,
                topic_id=topic_id,
            )
        self.follow(topic)

    def follow(self, topic: str = "t") -> None:
        partition = self.follower.replicas.hosted(topic, 0)
        log = partition.local_log(only_leader=False)
        state = FetchState.initial(
            log_end_offset=log.log_end_offset,
            high_watermark=partition.high_watermark,
            latest_epoch=log.latest_epoch,
            leader_epoch=partition.leader_epoch,
            topic_id=partition.topic_id,
        )
        self.fetcher.add({partition.topic_partition: state})

    def led(self, topic: str = "t") -> Partition:
        return self.leader.host.replicas.hosted(topic, 0)

    def followed(self, topic: str = "t") -> Partition:
        return self.follower.replicas.hosted(topic, 0)

    def append(self, count: int = 1, *, topic: str = "t", **fields: Any) -> None:
        self.led(topic).append(batch(count, **fields), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)


@asynccontextmanager
async def pair(path: Path, *, protocol: str = "3.9") -> AsyncIterator[Pair]:
    async with data_broker(path / "leader") as leader:
        async with hosting(path / "follower", FOLLOWER) as follower:
            line = Line(leader)
            settings = FetchSettings(versions=spoken_versions(protocol))
            quota = ReplicationQuota(FOLLOWER, follower.clock.now_ms, lambda: made.rate)
            remote = RemoteLeader(line, FOLLOWER, lambda: 55, settings)
            made = Pair(leader, follower, Fetcher(remote, follower.replicas, quota, settings), line)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(made.fetcher.run)
                yield made
                nursery.cancel_scope.cancel()


def content(partition: Partition) -> bytes:
    log = partition.local_log(only_leader=False)
    with log.read(log.log_start_offset, max_bytes=10**7) as records:
        return bytes(records.view())
