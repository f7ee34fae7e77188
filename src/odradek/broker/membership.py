"""A broker's place in its cluster: registered, following the configs, standing for controller.

All of it lives as long as one session with the store. When an ensemble has ended that, the broker goes on
with the partitions it leads, and takes its place anew in the next session, as Kafka does.
Source: kafka.server.KafkaServer, kafka.zk.KafkaZkClient.registerBroker and CheckedEphemeral.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import trio

from odradek.broker.identity import CannotStart
from odradek.controller.controller import Controller
from odradek.controller.lifelines import Lifelines
from odradek.controller.registration import register_broker
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.coordination.perseverance import RETRY_SECONDS, persevere, persevere_with
from odradek.coordination.store import Delete, Ensemble, MetadataStore, SessionExpired, StoreError, find_node
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_LEAVE_S = 1
"""How long an ensemble may take to hear of it; it hears of the end of the session afterwards."""


class Membership:
    """One broker's membership. Owned by the task that runs `run`.

    The store is an ensemble if it can `renew` its session; an embedded store's ends with the broker.
    """

    def __init__(
        self,
        node_id: int,
        store: MetadataStore,
        configs: DynamicConfigs,
        controller: Controller,
        lifelines: Lifelines,
        registration: Callable[[], BrokerRegistration],
    ) -> None:
        self._node_id = node_id
        self._store = store
        self._ensemble = store if isinstance(store, Ensemble) else None
        self._configs = configs
        self._controller = controller
        self._lifelines = lifelines
        self._registration = registration
        self.broker_epoch = -1
        """The epoch of the last registration."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be a member until cancelled. Started once registered, and a controller was found or elected.

        Raises CannotStart, now or in a later session, while another process is this broker.
        """
        started = False
        while True:
            try:
                async with trio.open_nursery() as session:
                    await session.start(persevere_with, self._configs.run)
                    await self._register()
                    session.start_soon(persevere, self._stay_registered)
                    await session.start(persevere_with, self._controller.run)
                    session.start_soon(persevere, self._lifelines.run)
                    if not started:
                        started = True
                        task_status.started()
            except* SessionExpired:
                if self._ensemble is None:
                    raise
            await self.renew()

    async def leave(self) -> None:
        """End the registration, and the office, while the session still lasts: others need not find out, and
        nobody would decide until the logs are closed. Never waits long.
        """
        with trio.move_on_after(_LEAVE_S):
            with suppress(StoreError):
                await self._store.commit(Delete(paths.broker_id(self._node_id)))
            with suppress(StoreError):
                office = await find_node(self._store, paths.CONTROLLER)
                if office is not None and office.is_own:
                    await self._store.commit(Delete(paths.CONTROLLER, version=office.version))

    async def renew(self) -> None:
        """Begin another session of an ensemble; what was configured between the two came without a word."""
        assert self._ensemble is not None
        _log.warn("ZooKeeper session expired, registering again", broker=self._node_id)
        while True:
            try:
                await self._ensemble.renew()
                await persevere(self._configs.load)
            except SessionExpired:
                await trio.sleep(RETRY_SECONDS)
            else:
                return

    async def _stay_registered(self) -> None:
        """Register anew when the registration vanishes: others took this process for dead."""
        path = paths.broker_id(self._node_id)
        async for _ in self._store.changes(path):
            if not await self._store.exists(path):
                _log.warn(
                    "the registration of this broker was ended, registering again", broker=self._node_id
                )
                await self._register()

    async def _register(self) -> None:
        while True:
            register = partial(register_broker, self._store, self._node_id, self._registration())
            broker_epoch = await persevere(register)
            if broker_epoch is not None:
                self.broker_epoch = broker_epoch
                return
            await persevere(self._wait_for_predecessor)

    async def _wait_for_predecessor(self) -> None:
        """Outwait the session of a process that was killed: it lasts as long as its time-out, once more after
        each time that the ensemble was away.

        Raises CannotStart when it lasts longer.
        """
        path = paths.broker_id(self._node_id)
        _log.warn("Waiting for the session of an earlier process to expire", broker=self._node_id)
        timeout_ms = self._ensemble.session_timeout_ms if self._ensemble is not None else 0
        with trio.move_on_after(2 * timeout_ms / 1000) as waiting:
            async for _ in self._store.changes(path):
                if not await self._store.exists(path):
                    return
                waiting.deadline = trio.current_time() + 2 * timeout_ms / 1000
        raise CannotStart(
            f"Another live broker is registered as {path} in zookeeper.connect: each needs its own broker.id."
        )
