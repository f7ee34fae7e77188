"""The controller: the one broker that decides for the cluster, while it is elected.

Whoever creates /controller is elected; every other broker waits until that node is gone. What is done in
office is in `term`. Source: kafka.controller.KafkaController.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trio

from odradek.clock import Clock
from odradek.controller.commands import (
    AlteredPartitions,
    AlterPartitions,
    Command,
    ElectedLeaders,
    ElectLeaders,
    Reassign,
    Reassigned,
    ShutDown,
)
from odradek.controller.events import UncleanElectionEnabled
from odradek.controller.rules import Rules
from odradek.controller.state import ClusterState
from odradek.controller.term import Deposed, Outbox, ReadConfigs, Term
from odradek.coordination.perseverance import RETRY_SECONDS, persevere
from odradek.coordination.store import (
    BadVersion,
    Check,
    Create,
    Delete,
    MetadataStore,
    Node,
    NodeExists,
    NoNode,
    SessionExpired,
    Set,
)
from odradek.errors import KafkaError
from odradek.metadata import paths, znodes
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ControllerRegistration
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_LONGEST_PAUSE_S = 30.0
"""Before who failed as controller stands again; twice as long each time, from RETRY_SECONDS on."""

_PROVEN_S = 60.0
"""Who was controller for so long does not fail at once, whatever has ended its term."""


@dataclass(slots=True, eq=False, repr=False)
class _Once:
    """A call that happens at most once, however often it is asked for."""

    call: Callable[[], None]
    done: bool = False

    def __call__(self) -> None:
        if not self.done:
            self.done = True
            self.call()


class Controller:
    """One broker's part in being the controller. Owned by the task that runs `run`."""

    def __init__(
        self,
        store: MetadataStore,
        node_id: int,
        rules: Rules,
        outbox: Outbox,
        clock: Clock,
        read_configs: ReadConfigs,
    ) -> None:
        self._store = store
        self._node_id = node_id
        self._rules = rules
        self._outbox = outbox
        self._clock = clock
        self._read_configs = read_configs
        self._term: Term | None = None
        self._stopped = frozenset({node_id} if rules.restart_ends_leadership else ())
        self._pause_s = RETRY_SECONDS

    # -- what others ask

    @property
    def is_active(self) -> bool:
        """Whether this broker is the controller, as far as it knows, and has read what there is.

        Who was elected just now knows no topic yet, and would say so to whoever asks for one.
        """
        return bool(self.state.brokers)

    @property
    def state(self) -> ClusterState:
        """What the controller knows; empty while this broker is not the controller."""
        return self._term.state if self._term is not None else ClusterState(self._node_id, 0)

    async def alter_partitions(self, command: AlterPartitions) -> AlteredPartitions:
        """Write ISRs that a leader wants. Raises NOT_CONTROLLER, STALE_BROKER_EPOCH."""
        altered: AlteredPartitions = await self._ask(command)
        return altered

    async def shut_down(self, command: ShutDown) -> tuple[TopicPartition, ...]:
        """Elect others for what a broker leads; give what it still leads, because nobody else can.

        Raises NOT_CONTROLLER, STALE_BROKER_EPOCH, BROKER_NOT_AVAILABLE.
        """
        remaining: tuple[TopicPartition, ...] = await self._ask(command)
        return remaining

    async def elect_leaders(self, command: ElectLeaders) -> ElectedLeaders:
        """Elect leaders that a client asks for. Raises NOT_CONTROLLER."""
        elected: ElectedLeaders = await self._ask(command)
        return elected

    async def reassign(self, command: Reassign) -> Reassigned:
        """Begin, replace or end moves of replicas. Raises NOT_CONTROLLER."""
        reassigned: Reassigned = await self._ask(command)
        return reassigned

    async def _ask(self, command: Command) -> Any:
        if self._term is None:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        return await self._term.ask(command)

    def unclean_election_enabled(self, topic: str | None) -> None:
        """Note that a topic, or with None every one, may be led by who is not in sync."""
        if self._term is not None:
            self._term.note(UncleanElectionEnabled(topic))

    # -- being elected

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Stand for election, and lead while elected, until cancelled.

        Started once the first term has told the brokers everything, or another controller was found.
        The broker must be registered by then. Raises SessionExpired with the store's session.
        """
        ready = _Once(task_status.started)
        vacancy = self._store.changes(paths.CONTROLLER)
        async for _ in vacancy:
            term = await persevere(self._stand)
            if term is not None:
                await self._lead(term, ready)
                vacancy.mark_dirty(paths.CONTROLLER)
            ready()

    async def _stand(self) -> Term | None:
        """Try to be elected; None if another broker is.

        Whoever was elected and does not know it, because the store failed just then, stands once more.
        """
        while True:
            node = await self._epoch_node()
            try:
                elected = await self._store.get(paths.CONTROLLER)
            except NoNode:
                with suppress(NodeExists, BadVersion):
                    return await self._win(node)
                continue
            if not elected.is_own:
                return None
            await self._vacate(node.version)

    async def _epoch_node(self) -> Node:
        """The epoch's node, made if it is missing; each election changes it."""
        while True:
            try:
                return await self._store.get(paths.CONTROLLER_EPOCH)
            except NoNode:
                first = znodes.encode_controller_epoch(0)
                with suppress(NodeExists):
                    await self._store.commit(Create(paths.CONTROLLER_EPOCH, first))

    async def _win(self, node: Node) -> Term:
        """Be elected, in the epoch after that of its node. Raises NodeExists, BadVersion."""
        epoch = znodes.decode_controller_epoch(node.data) + 1
        registration = ControllerRegistration(self._node_id, self._clock.now_ms())
        _, written = await self._store.commit(
            Create(paths.CONTROLLER, registration.encode(), ephemeral=True),
            Set(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(epoch), version=node.version),
        )
        state = ClusterState(self._node_id, epoch)
        return Term(self._store, self._rules, self._outbox, state, written.version, self._read_configs)

    async def _lead(self, term: Term, ready: Callable[[], None]) -> None:
        """Be the controller until somebody else is, or until that fails: our bug costs the office only."""
        epoch = term.state.controller_epoch
        _log.info("elected controller", epoch=epoch)
        elected_at = trio.current_time()
        self._term = term
        stopped, self._stopped = self._stopped, frozenset()
        try:
            await term.run(stopped, ready)
        except Deposed:
            _log.info("no longer controller", epoch=epoch)
            return
        except SessionExpired:
            raise
        except Exception as error:  # noqa: BLE001 - the broker goes on, and another may do better
            _log.error("unexpected error as controller, resigning", epoch=epoch, exc_info=error)
        finally:
            self._term = None
        if trio.current_time() - elected_at >= _PROVEN_S:
            self._pause_s = RETRY_SECONDS
        await persevere(lambda: self._vacate(term.epoch_version))
        await trio.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _vacate(self, epoch_version: int) -> None:
        """Have somebody elected, unless somebody was since the epoch's node had this version.

        Raises SessionExpired, which has the same effect, and StoreUnavailable.
        """
        with suppress(BadVersion, NoNode):
            await self._store.commit(Check(paths.CONTROLLER_EPOCH, epoch_version), Delete(paths.CONTROLLER))
