"""A broker's replicas among those of its cluster: who is asked, by which name, at which address."""

from typing import Any

import pytest
import trio
import trio.testing

from odradek.metadata.topic_partition import TopicPartition
from odradek.protocol.generated.fetch_request import FetchRequest
from odradek.replication.following import Following, Ways
from odradek.replication.replication_quota import ReplicationQuota
from tests.replication.hosting import NODE_ID, Hosting, hosting
from tests.replication.test_replicas import stop

OTHER = NODE_ID + 1
BOTH = (NODE_ID, OTHER)


class Peers:
    """Every other broker: remembers who asked what, and never answers."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, int, str]] = []
        self.asked: list[Any] = []

    def connect(self, host: str, port: int, client_id: str) -> Any:
        self.connected.append((host, port, client_id))
        return self

    async def call(self, request: Any, version: int) -> Any:
        self.asked.append(request)
        await trio.sleep_forever()

    async def aclose(self) -> None: ...


async def follow(host: Hosting, nursery: trio.Nursery, listener_name: str = "PLAINTEXT") -> Peers:
    peers = Peers()
    ways = Ways(peers.connect, peers, lambda: 33, listener_name)
    quota = ReplicationQuota(NODE_ID, host.clock.now_ms, lambda: 1)
    following = Following(host.replicas, NODE_ID, host.metadata, ways, quota)
    host.replicas.follow_with(following)
    await nursery.start(following.run)
    return peers


async def test_a_follower_asks_its_leader_by_kafkas_name(tmp_path, nursery, autojump_clock):
    async with hosting(tmp_path) as host:
        peers = await follow(host, nursery)
        host.tell("t", leader=OTHER, replicas=BOTH)
        await trio.testing.wait_all_tasks_blocked()
        assert peers.connected == [("localhost", 9000 + OTHER, f"broker-{NODE_ID}-fetcher-0")]
        [request] = peers.asked
        assert isinstance(request, FetchRequest)
        assert (request.replica_state.replica_id, request.replica_state.replica_epoch) == (NODE_ID, 33)


async def test_a_leader_follows_nobody(tmp_path, nursery, autojump_clock):
    async with hosting(tmp_path) as host:
        peers = await follow(host, nursery)
        host.tell("t", leader=OTHER, replicas=BOTH)
        await trio.testing.wait_all_tasks_blocked()
        host.tell("t", leader_epoch=1, replicas=BOTH)
        host.tell("t", leader=OTHER, leader_epoch=2, replicas=BOTH)
        await trio.testing.wait_all_tasks_blocked()
        # The fetcher ended when it had nothing left, and another was made.
        assert len(peers.connected) == 2


async def test_a_leader_that_brokers_cannot_reach_is_not_followed(tmp_path, nursery, autojump_clock):
    async with hosting(tmp_path) as host:
        peers = await follow(host, nursery, listener_name="REPLICATION")
        host.tell("t", leader=OTHER, replicas=BOTH)
        await trio.testing.wait_all_tasks_blocked()
        assert peers.connected == []


@pytest.mark.parametrize("delete", [False, True])
async def test_a_stopped_replica_follows_no_longer(tmp_path, nursery, autojump_clock, delete):

    async with hosting(tmp_path) as host:
        await follow(host, nursery)
        host.tell("t", leader=OTHER, replicas=BOTH)
        followers: Any = host.replicas._followers
        assert len(followers.fetchers) == 1
        await stop(host, delete=delete)
        assert len(followers.fetchers) == 0
        assert (host.replicas.partition(TopicPartition("t", 0)) is None) == delete


async def test_isrs_are_proposed_to_the_controller(tmp_path, nursery, autojump_clock):
    async with hosting(tmp_path) as host:
        peers = await follow(host, nursery)
        host.tell("t", isr=(NODE_ID,), replicas=BOTH)
        host.replicas.hosted("t", 0).record_follower_fetch(OTHER, 0)
        await trio.testing.wait_all_tasks_blocked()
        [request] = peers.asked
        assert (request.broker_id, request.broker_epoch) == (NODE_ID, 33)


async def test_another_leader_is_followed_instead_of_the_first(tmp_path, nursery, autojump_clock):
    everyone = (NODE_ID, OTHER, OTHER + 1)
    async with hosting(tmp_path) as host:
        await follow(host, nursery)
        host.tell("t", leader=OTHER, replicas=everyone)
        host.tell("t", 1, leader=OTHER, replicas=everyone)
        host.tell("t", leader=OTHER + 1, leader_epoch=1, replicas=everyone)
        followers: Any = host.replicas._followers
        followed = {
            key: [str(name) for name in running.fetcher.partitions]
            for key, running in followers.fetchers._running.items()
        }
        assert followed == {(OTHER, 0): ["t-1"], (OTHER + 1, 0): ["t-0"]}
