"""A broker's place in its cluster: registered, following the configs, standing for controller.

All of it lives as long as one session with the store. When an ensemble has ended that, the broker goes on
with the partitions it leads, and takes its place anew in the next session, as Kafka does.
Source: kafka.server.KafkaServer, kafka.zk.KafkaZkClient.registerBroker and CheckedEphemeral.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

import trio

from odradek.broker.identity import CannotStart
from odradek.controller.controller import RETRY_SECONDS, Controller
from odradek.controller.lifelines import Lifelines
from odradek.controller.registration import register_broker
from odradek.coordination.dynamic_configs import DynamicConfigs
from odradek.coordination.store import (
    Delete,
    MetadataStore,
    NodeExists,
    SessionExpired,
    StoreError,
    StoreUnavailable,
)
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_LEAVE_S = 1
"""How long an ensemble may take to hear of it; it hears of the end of the session afterwards."""


@runtime_checkable
class Ensemble(MetadataStore, Protocol):
    """A store that ends sessions by itself and opens others."""

    @property
    def session_timeout_ms(self) -> int:
        """How long a session outlives its client."""

    async def renew(self) -> None:
        """Open another session in place of one that is over, however long that takes."""


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
        self._is_leaving = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be a member until cancelled. Started once registered, and a controller was found or elected.

        Raises CannotStart, now or in a later session, while another process is this broker.
        """
        started = False
        while True:
            try:
                async with trio.open_nursery() as session:
                    await session.start(self._configs.run)
                    await self._register()
                    session.start_soon(self._stay_registered)
                    await session.start(self._controller.run)
                    session.start_soon(self._lifelines.run)
                    if not started:
                        started = True
                        task_status.started()
            except* SessionExpired:
                if self._ensemble is None:
                    raise
            await self.renew()

    async def leave(self) -> None:
        """End the registration while the session still lasts; others need not find out. Never waits long."""
        self._is_leaving = True
        with trio.move_on_after(_LEAVE_S), suppress(StoreError):
            await self._store.commit(Delete(paths.broker_id(self._node_id)))

    async def renew(self) -> None:
        """Begin another session of an ensemble; what was configured between the two came without a word."""
        assert self._ensemble is not None
        _log.warn("ZooKeeper session expired, registering again", broker=self._node_id)
        while True:
            await self._ensemble.renew()
            try:
                await self._configs.load()
            except SessionExpired:
                continue
            return

    async def _stay_registered(self) -> None:
        """Register anew when the registration vanishes: others took this process for dead."""
        path = paths.broker_id(self._node_id)
        async for _ in self._store.changes(path):
            if not self._is_leaving and not await self._store.exists(path):
                _log.warn(
                    "the registration of this broker was ended, registering again", broker=self._node_id
                )
                await self._register()

    async def _register(self) -> None:
        if self._ensemble is None:
            self.broker_epoch = await register_broker(self._store, self._node_id, self._registration())
            return
        while True:
            try:
                self.broker_epoch = await register_broker(self._store, self._node_id, self._registration())
            except NodeExists:
                await self._wait_for_predecessor(self._ensemble)
            except StoreUnavailable as error:
                _log.error("metadata store failed, registering again", path=error.path, exc_info=error)
                await trio.sleep(RETRY_SECONDS)
            else:
                return

    async def _wait_for_predecessor(self, ensemble: Ensemble) -> None:
        """Outwait the session of a process that was killed: it lasts as long as its time-out."""
        path = paths.broker_id(self._node_id)
        _log.warn("Waiting for the session of an earlier process to expire", broker=self._node_id)
        with trio.move_on_after(2 * ensemble.session_timeout_ms / 1000):
            async for _ in self._store.changes(path):
                if not self._is_leaving and not await self._store.exists(path):
                    return
        raise CannotStart(
            f"Another live broker is registered as {path} in zookeeper.connect: each needs its own broker.id."
        )
