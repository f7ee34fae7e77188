"""One broker: its parts, made from configuration, started in order, stopped in order.

The only place that wires objects together. Source: kafka.server.KafkaServer.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import trio

from odradek.api.context import Services
from odradek.api.dispatch import Dispatcher
from odradek.api.fetch_sessions import FetchSessions
from odradek.broker.company import check_company
from odradek.broker.controlled_broker import LocalBroker
from odradek.broker.controlled_shutdown import ControlledShutdown, ControllerAddress
from odradek.broker.controlling import control_channels, rules_of
from odradek.broker.failed_directories import FailedDirectories
from odradek.broker.group_coordinator import group_coordinator
from odradek.broker.identity import (
    CannotStart,
    choose_node_id,
    join_cluster,
    read_identities,
    write_identities,
)
from odradek.broker.membership import Membership
from odradek.broker.metadata_store import open_store, refuse_to_forget
from odradek.broker.network import Door, Network, SocketNetwork
from odradek.broker.reconfiguration import Reconfiguration
from odradek.broker.replication import (
    FOLLOWER_QUOTA,
    LEADER_QUOTA,
    controller_connect,
    following,
    relocations,
    replica_settings,
    replication_quota,
)
from odradek.broker.settings import connection_limits, logs_config, rate_windows, shutdown_settings
from odradek.broker.unclean_return import wait_until_replaced
from odradek.clock import Clock, SystemClock
from odradek.config.broker_config import BrokerConfig
from odradek.controller.controller import Controller
from odradek.controller.lifelines import Lifelines
from odradek.controller.metadata_waits import wait_until
from odradek.controller.producer_id_blocks import allocate_producer_ids, ask_for_producer_ids
from odradek.controller.registration import create_roots
from odradek.controller.topics import TopicAdmin
from odradek.coordination.dynamic_configs import TOPICS, DynamicConfigs
from odradek.coordination.perseverance import persevere, through_sessions
from odradek.coordination.store import MetadataStore, SessionExpired
from odradek.coordinators.producer_ids import ProducerIds
from odradek.log.log_directory import LogDirectoryInUse, UnusableLogDirectories
from odradek.log.logs import Logs
from odradek.log.meta_properties import MetaProperties
from odradek.metadata.cache import MetadataCache
from odradek.metadata.znodes import BrokerRegistration, Endpoint, ProducerIdBlock
from odradek.peers.controller_channel import ControllerChannel
from odradek.replication.replicas import Replicas
from odradek.server.connection_quotas import ConnectionQuotas
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

_METADATA_MS = 10_000
"""How long the controller may take to tell a new broker of the cluster; Kafka's does not wait for it."""

_STOP_S = 30
"""How long an orderly stop may take before it is given up."""


@value_object
class RunningBroker:
    """A broker that accepts connections."""

    node_id: int
    cluster_id: str
    endpoints: tuple[Endpoint, ...]
    """What clients are told, with the ports that were free."""
    services: Services


async def run_broker(
    config: BrokerConfig,
    *,
    store: MetadataStore | None = None,
    network: Network | None = None,
    clock: Clock | None = None,
    task_status: trio.TaskStatus[RunningBroker] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a broker until cancelled, then stop it in order: nothing that was acknowledged is lost.

    `store` None takes the ensemble that `zookeeper.connect` names, or else opens the embedded store in the
    first log directory; one that is given belongs to the caller, and is an ensemble if it can `renew` its
    session. `network` None is TCP. Several brokers may run in one process, each with a session, a network and
    log directories of its own. Started once it accepts connections and knows the cluster.
    Raises CannotStart, CannotListen, InvalidConfig.
    """
    async with AsyncExitStack() as stack:
        if store is None:
            store = await stack.enter_async_context(open_store(config))
        broker = _Broker(config, store, network or SocketNetwork(), clock or SystemClock())
        await stack.enter_async_context(broker.opened())
        await broker.run(task_status)


class _Broker:
    """The parts of a broker, while they are put together and run."""

    def __init__(self, config: BrokerConfig, store: MetadataStore, network: Network, clock: Clock) -> None:
        self._config = config
        self._store = store
        self._network = network
        self._clock = clock
        self._metadata = MetadataCache()
        self._has_stopped = False

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Everything made and its files open; on the way out the files are closed and marked clean."""
        identities = read_identities(self._config.log_dirs)
        node_id = await through_sessions(self._store, partial(self._find_in_cluster, identities))
        self.doors = await self._network.bind(self.configs.config)
        try:
            self.logs = await Logs.open(
                logs_config(self.configs.config), self._clock, config_of=self.configs.log_config
            )
        except (UnusableLogDirectories, LogDirectoryInUse) as error:
            raise CannotStart(str(error)) from error
        write_identities(
            self._online_directories(),
            identities,
            MetaProperties(self.cluster_id, node_id),
            self._clock.now_ms(),
        )
        self._make(node_id)
        try:
            yield
        finally:
            with trio.move_on_after(_STOP_S, shield=True):
                await self.replicas.checkpoint_high_watermarks()
                await self.logs.close(self.membership.broker_epoch)

    async def _find_in_cluster(self, identities: Mapping[str, MetaProperties]) -> int:
        """What the store knows of this broker and its cluster, which is made if it is new; the node id."""
        await refuse_to_forget(self._store, self._config)
        await create_roots(self._store)
        node_id = await choose_node_id(self._config, self._store, identities)
        if node_id != self._config.node_id:
            # Configured ids stay below those that are chosen; the check is for the former.
            chosen = {"broker.id": str(node_id), "broker.id.generation.enable": "false"}
            self._config = self._config.with_overrides(chosen)
        self.cluster_id = await join_cluster(self._store, identities)
        self.configs = DynamicConfigs(self._store, self._clock, self._config)
        await self.configs.load()
        return node_id

    def _online_directories(self) -> tuple[str, ...]:
        return tuple(directory.path for directory in self.logs.log_directories if directory.is_online)

    def _make(self, node_id: int) -> None:
        config = self.configs.config
        self.replicas = Replicas(
            node_id,
            self.logs,
            self._metadata,
            self.configs.log_config,
            clock=self._clock,
            settings=replica_settings(config),
        )
        self.replicas.leader_quota = replication_quota(self.configs, node_id, self._clock, LEADER_QUOTA)
        self.following = following(
            config,
            self.replicas,
            self._metadata,
            self._network.transport,
            lambda: self.membership.broker_epoch,
            replication_quota(self.configs, node_id, self._clock, FOLLOWER_QUOTA),
        )
        self.relocations = relocations(self.replicas, self.logs, self.configs, self._clock)
        self.groups = group_coordinator(config, self.replicas, self._metadata, self._clock)
        self.replicas.subscribe(self.groups.on_elected, self.groups.on_resigned)
        local = LocalBroker(
            self.replicas, self._metadata, self.configs, self.groups, lambda: self.membership.broker_epoch
        )
        self.channels = control_channels(config, node_id, local, self._network.transport)
        rules = rules_of(config, self.configs)
        read_configs = partial(self.configs.refresh, TOPICS)
        self.controller = Controller(self._store, node_id, rules, self.channels, self._clock, read_configs)
        self.membership = Membership(
            node_id,
            self._store,
            self.configs,
            self.controller,
            Lifelines(self._store, node_id, config.inter_broker_listener_name, self._network.transport),
            self._registration,
        )
        listener_name = config.control_plane_listener_name
        connect = controller_connect(config, node_id, self._network.transport)
        self.controller_channel = ControllerChannel(self._metadata, listener_name, connect)
        self.shutdown = ControlledShutdown(
            node_id,
            lambda: self.membership.broker_epoch,
            self._metadata,
            ControllerAddress(listener_name, connect),
            shutdown_settings(config),
        )
        self.services = Services(
            node_id=node_id,
            cluster_id=self.cluster_id,
            clock=self._clock,
            configs=self.configs,
            store=self._store,
            metadata=self._metadata,
            replicas=self.replicas,
            logs=self.logs,
            relocations=self.relocations,
            topics=TopicAdmin(self._store, self._metadata, lambda: self.configs.config),
            controller=self.controller,
            groups=self.groups,
            fetch_sessions=FetchSessions(config.int("max.incremental.fetch.session.cache.slots")),
            producer_ids=ProducerIds(self._producer_id_block),
            controlled_broker=local,
        )
        self.quotas = ConnectionQuotas(
            connection_limits(config),
            [door.name for door in self.doors],
            config.inter_broker_listener_name,
            rate_windows(config),
        )

    async def run(self, task_status: trio.TaskStatus[RunningBroker]) -> None:
        """Start every part, then accept connections, until cancelled; hand over before they stop.

        The broker leaves the cluster when it no longer serves: a controller of Kafka's logs an error when
        one is gone that it waits for.
        """
        is_leaving = False
        try:
            async with trio.open_nursery() as nursery:
                parts: trio.CancelScope = await nursery.start(self._run_parts)
                task_status.started(self._running())
                parts.shield = True
                try:
                    await trio.sleep_forever()
                finally:
                    # Nothing to leave when it was a part that failed.
                    if not self._has_stopped:
                        with trio.CancelScope(shield=True):  # bounded: each of its waits has a deadline
                            is_leaving = await self._hand_over()
                    parts.cancel()
        finally:
            if is_leaving:
                with trio.CancelScope(shield=True):  # bounded, too
                    await self.membership.leave()

    async def _run_parts(self, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        serving = self._network.serving(Dispatcher(self.services), self.quotas, self.configs.config)
        node_id = self.services.node_id
        failed_directories = FailedDirectories(node_id, self.logs, self.replicas, self._store)
        unsubscribe = self.configs.subscribe(
            Reconfiguration(self.configs, self.replicas, self.following, self.controller, self.quotas)
        )
        try:
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self.logs.run)
                    await nursery.start(self.replicas.run)
                    await nursery.start(self.following.run)
                    await nursery.start(self.groups.run)
                    await nursery.start(self.channels.run)
                    await self._wait_for_a_place()
                    await nursery.start(self.membership.run)
                    nursery.start_soon(failed_directories.run)
                    await nursery.start(serving.run)
                    await self._wait_metadata()
                    task_status.started(scope)
        finally:
            self._has_stopped = True
            unsubscribe()
            with trio.move_on_after(1, shield=True):
                await self.controller_channel.aclose()

    async def _wait_for_a_place(self) -> None:
        """Until this broker may register; what was found in a session that has ended is looked at again."""
        while True:
            try:
                await self._wait_until_replaced()
                check = partial(check_company, self._store, self.services.node_id, self.configs.config)
                await persevere(check)
            except SessionExpired:
                await self.membership.renew()
            else:
                return

    async def _wait_until_replaced(self) -> None:
        """Logs that were not closed in order may have lost what others still count on."""
        if not all(directory.had_clean_shutdown for directory in self.logs.log_directories):
            held = [log.topic_partition for log in self.logs.all()]
            await wait_until_replaced(self._store, self.services.node_id, held)

    async def _hand_over(self) -> bool:
        """Have the leaders moved, where there are others to lead; false where there is nobody else."""
        others = self._metadata.snapshot.brokers.keys() - {self.services.node_id}
        if others and self.configs.config.bool("controlled.shutdown.enable"):
            await self.shutdown.run()
        return bool(others)

    async def _wait_metadata(self) -> None:
        """Know the cluster before anyone is told that this broker serves, unless that takes long."""
        node_id = self.services.node_id
        known = await wait_until(
            self._metadata, lambda snapshot: node_id in snapshot.brokers, timeout_ms=_METADATA_MS
        )
        if not known:
            _log.warn("The controller has not told the cluster's state yet", broker=node_id)

    @property
    def _endpoints(self) -> tuple[Endpoint, ...]:
        return _advertised(self.configs.config, self.doors)

    def _registration(self) -> BrokerRegistration:
        rack = self.configs.config.str("broker.rack") or None
        return BrokerRegistration(self._endpoints, self._clock.now_ms(), rack=rack, is_odradek=True)

    async def _producer_id_block(self) -> ProducerIdBlock:
        """A controller asks itself without a request."""
        node_id = self.services.node_id
        if self.controller.is_active:
            return await allocate_producer_ids(self._store, node_id)
        return await ask_for_producer_ids(self.controller_channel, node_id, self.membership.broker_epoch)

    def _running(self) -> RunningBroker:
        return RunningBroker(self.services.node_id, self.cluster_id, self._endpoints, self.services)


def _advertised(config: BrokerConfig, bound: Sequence[Door]) -> tuple[Endpoint, ...]:
    """What clients are told: with the ports that were bound, and this machine's name for every interface."""
    ports = {door.name: door.port for door in bound}
    return tuple(
        Endpoint(
            each.host or socket.getfqdn(), each.port or ports[each.name], each.name, each.security_protocol
        )
        for each in config.advertised_listeners
    )
