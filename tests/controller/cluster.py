"""A cluster in this process for tests: an embedded store in memory, and brokers that only remember.

Each broker has a session, a registration, a controller that stands for election, and replicas that are
nothing but names; its metadata cache is real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import trio

from odradek.clock import VirtualClock
from odradek.config.broker_config import BrokerConfig
from odradek.controller.controller import Controller
from odradek.controller.registration import create_roots, register_broker
from odradek.controller.rules import Rules
from odradek.controller.topics import TopicAdmin
from odradek.coordination.embedded import EmbeddedStore
from odradek.metadata.cache import MetadataCache, Snapshot
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import BrokerRegistration, Endpoint
from odradek.peers.control_channels import ControlChannels
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.leader_and_isr_request import LeaderAndIsrRequest
from odradek.protocol.generated.leader_and_isr_response import (
    LeaderAndIsrPartitionError,
    LeaderAndIsrResponse,
    LeaderAndIsrTopicError,
)
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaPartitionError, StopReplicaResponse
from odradek.protocol.generated.update_metadata_request import UpdateMetadataRequest
from odradek.protocol.generated.update_metadata_response import UpdateMetadataResponse

LISTENER = "PLAINTEXT"


class RememberingBroker:
    """A ControlledBroker: keeps the requests, holds replicas by name, and deletes unless told to fail."""

    def __init__(self) -> None:
        self.metadata = MetadataCache()
        self.asked: list[LeaderAndIsrRequest | UpdateMetadataRequest | StopReplicaRequest] = []
        self.replicas: dict[TopicPartition, tuple[int, int]] = {}
        """Leader and leader epoch by partition."""
        self.deletion_error = ErrorCode.NONE
        self.failed: set[TopicPartition] = set()
        """Replicas in log directories that failed."""

    async def leader_and_isr(self, request: LeaderAndIsrRequest, version: int = 7) -> LeaderAndIsrResponse:
        self.asked.append(request)
        answered = []
        for topic in request.topic_states:
            errors = []
            for state in topic.partition_states:
                name = TopicPartition(topic.topic_name, state.partition_index)
                has_failed = name in self.failed
                if not has_failed:
                    self.replicas[name] = (state.leader, state.leader_epoch)
                errors.append(
                    LeaderAndIsrPartitionError(
                        partition_index=state.partition_index,
                        error_code=ErrorCode.KAFKA_STORAGE_ERROR if has_failed else ErrorCode.NONE,
                    )
                )
            answered.append(LeaderAndIsrTopicError(topic_id=topic.topic_id, partition_errors=errors))
        return LeaderAndIsrResponse(topics=answered)

    async def update_metadata(self, request: UpdateMetadataRequest) -> UpdateMetadataResponse:
        self.asked.append(request)
        self.metadata.apply(request)
        return UpdateMetadataResponse()

    async def stop_replica(self, request: StopReplicaRequest) -> StopReplicaResponse:
        self.asked.append(request)
        errors = []
        for topic in request.topic_states:
            for state in topic.partition_states:
                if self.deletion_error == ErrorCode.NONE:
                    self.replicas.pop(TopicPartition(topic.topic_name, state.partition_index), None)
                errors.append(
                    StopReplicaPartitionError(topic.topic_name, state.partition_index, self.deletion_error)
                )
        return StopReplicaResponse(partition_errors=errors)


class Member:
    """One broker of the cluster, until `stop`."""

    def __init__(self, cluster: Cluster, node_id: int, store: Any) -> None:
        self.node_id = node_id
        self.store = store
        self.channels = ControlChannels(cluster.brokers)
        self.controller = Controller(
            store, node_id, cluster.rules, self.channels, VirtualClock(), cluster.read_configs
        )
        self.scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        with self.scope:
            endpoint = Endpoint("localhost", 9092 + self.node_id, LISTENER, LISTENER)
            await register_broker(self.store, self.node_id, BrokerRegistration((endpoint,), timestamp_ms=1))
            async with trio.open_nursery() as nursery:
                await nursery.start(self.channels.run)
                await self.controller.run(task_status=task_status)

    async def stop(self) -> None:
        """Die: the session and with it the registration end."""
        self.scope.cancel()
        await self.store.close()


class Cluster:
    """Brokers 0 to `size` - 1, of which broker 0 is the first controller."""

    def __init__(self, nursery: trio.Nursery, size: int, properties: Mapping[str, str]) -> None:
        self.nursery = nursery
        self.config = BrokerConfig({"broker.id": "0"} | dict(properties))
        self.brokers = {node_id: RememberingBroker() for node_id in range(size)}
        self.rules = Rules(
            LISTENER,
            self.config.bool("delete.topic.enable"),
            lambda topic: self.config.bool("unclean.leader.election.enable"),
            restart_ends_leadership=not self.config.release.zookeeper,
            rebalance_interval_seconds=(
                self.config.int("leader.imbalance.check.interval.seconds")
                if self.config.bool("auto.leader.rebalance.enable")
                else None
            ),
        )
        self.store = EmbeddedStore()
        self.configs_read: list[Sequence[str]] = []
        """The topics of each time that the controller wanted to know what is configured."""
        self.members: dict[int, Member] = {}
        self.metadata = self.brokers[0].metadata
        self.topics = TopicAdmin(self.store, self.metadata, lambda: self.config, Random(7))

    async def read_configs(self, topics: Sequence[str]) -> None:
        self.configs_read.append(topics)

    @property
    def controller(self) -> Controller:
        """The one that is active."""
        (active,) = [each.controller for each in self.members.values() if each.controller.is_active]
        return active

    async def start(self, node_id: int) -> Member:
        """Start a broker, anew if it was stopped."""
        member = Member(self, node_id, self.store.another_session())
        self.members[node_id] = member
        await self.nursery.start(member.run)
        return member

    async def wait(self, condition: Callable[[Snapshot], bool], node_id: int = 0) -> None:
        """Wait until a broker's metadata fulfil a condition; fail after ten virtual seconds."""
        changed = trio.Event()

        def look() -> None:
            if condition(self.brokers[node_id].metadata.snapshot):
                changed.set()

        stop = self.brokers[node_id].metadata.subscribe(look)
        look()
        with trio.fail_after(10):
            await changed.wait()
        stop()


@asynccontextmanager
async def cluster(size: int = 1, **properties: str) -> AsyncIterator[Cluster]:
    """Run a cluster; properties are written with underscores."""
    async with trio.open_nursery() as nursery:
        named = {name.replace("_", "."): value for name, value in properties.items()}
        running = Cluster(nursery, size, named)
        await create_roots(running.store)
        for node_id in range(size):
            await running.start(node_id)
        await running.wait(lambda snapshot: len(snapshot.brokers) == size)
        yield running
        nursery.cancel_scope.cancel()
