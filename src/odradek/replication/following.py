"""Following: a broker's replicas among those of its cluster, put together.

Fetchers follow other brokers' leaders; ISRs that ours propose go to the controller. What a broker that is
alone does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from uuid import UUID

import trio

from odradek.metadata.cache import MetadataCache
from odradek.metadata.topic_partition import TopicPartition
from odradek.replication.fetch_settings import FetchSettings
from odradek.replication.fetch_state import FetchState
from odradek.replication.fetchers import Fetchers, Leader
from odradek.replication.isr_changes import ControllerChannel, IsrChanges
from odradek.replication.partition import Partition
from odradek.replication.partition_state import IsrProposal
from odradek.replication.replication_quota import ReplicationQuota
from odradek.telemetry import get_logger
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.replication.fetcher import Fetcher, FetcherHost
    from odradek.replication.remote_leader import LeaderClient

_log = get_logger(__name__)


@value_object
class Ways:
    """How a broker reaches the others. `connect` takes host, port and client id, and does not connect yet."""

    connect: Callable[[str, int, str], LeaderClient]
    controller: ControllerChannel
    broker_epoch: Callable[[], int]
    """Of this broker's registration, as it is at each call."""
    listener_name: str
    """inter.broker.listener.name"""


@value_object
class FollowingSettings:
    """How leaders are followed."""

    fetchers: int = 1
    """num.replica.fetchers, for each leader"""
    fetch: FetchSettings = field(default_factory=FetchSettings)


class Following:
    """Owned by the trio thread; what it starts lives while `run` does."""

    def __init__(
        self,
        host: FetcherHost,
        node_id: int,
        metadata: MetadataCache,
        ways: Ways,
        quota: ReplicationQuota,
        settings: FollowingSettings | None = None,
    ) -> None:
        self._host = host
        self._node_id = node_id
        self._metadata = metadata
        self._ways = ways
        self._quota = quota
        self._settings = settings or FollowingSettings()
        self.fetchers = Fetchers(self._fetcher, self._settings.fetchers)
        self._isr_changes = IsrChanges(node_id, ways.controller, ways.broker_epoch)

    def _fetcher(self, leader: Leader, fetcher_id: int) -> Fetcher:
        # Loaded with the first leader to follow: a broker that is alone would start later for nothing.
        from odradek.replication.fetcher import Fetcher
        from odradek.replication.remote_leader import RemoteLeader

        ways, fetch = self._ways, self._settings.fetch
        client_id = f"broker-{self._node_id}-fetcher-{fetcher_id}"
        client = ways.connect(leader.endpoint.host, leader.endpoint.port, client_id)
        remote = RemoteLeader(client, self._node_id, ways.broker_epoch, fetch)
        return Fetcher(remote, self._host, self._quota, fetch)

    def follow(self, states: Mapping[TopicPartition, tuple[int, FetchState]]) -> None:
        """Has partitions followed: each by its leader's id, from a state on."""
        snapshot = self._metadata.snapshot
        located: dict[TopicPartition, tuple[Leader, FetchState]] = {}
        for name, (leader_id, state) in states.items():
            endpoint = snapshot.endpoint(leader_id, self._ways.listener_name)
            if endpoint is None:
                _log.error("leader has no listener for brokers", partition=str(name), leader=leader_id)
            else:
                located[name] = Leader(leader_id, endpoint), state
        self.fetchers.follow(located)

    def forget(self, names: Iterable[TopicPartition]) -> None:
        """Has partitions followed no longer."""
        self.fetchers.forget(names)

    def identify(self, name: TopicPartition, topic_id: UUID) -> None:
        """A partition that may be followed has another topic id now, or none."""
        self.fetchers.identify(name, topic_id)

    def stop_idle(self) -> None:
        """Lets go of leaders that lead nothing of ours any more."""
        self.fetchers.stop_idle()

    def propose_isr(self, partition: Partition, proposal: IsrProposal) -> None:
        """Asks the controller for an ISR."""
        self._isr_changes.submit(partition, proposal)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follows and proposes, until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.fetchers.run)
            await nursery.start(self._isr_changes.run)
            task_status.started()
