"""The controller: the one broker that decides for the cluster, while it is elected.

A loop: something changed → read it again → decide (`rules`, pure) → commit on the condition that nobody else
was elected → tell the brokers. One task reads and decides, so that each decision sees the tree with all that
earlier ones wrote. When a commit does not fit the tree any more, everything is read again.
Source: kafka.controller.KafkaController.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import trio

from odradek.clock import Clock
from odradek.controller import census, tree
from odradek.controller.decision import Outgoing
from odradek.controller.events import (
    BrokersChanged,
    DeletionsChanged,
    Event,
    ReplicasStopped,
    TopicsChanged,
)
from odradek.controller.rules import Rules
from odradek.controller.state import ClusterState, LiveBroker
from odradek.coordination.store import (
    BadVersion,
    Check,
    Create,
    MetadataStore,
    NodeExists,
    NoNode,
    Operation,
    SessionExpired,
    Set,
    StoreError,
    StoreUnavailable,
)
from odradek.metadata import paths, znodes
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import ControllerRegistration
from odradek.peers.control_channels import Answered, ControlRequest, ControlResponse, Destination
from odradek.protocol.generated.stop_replica_request import StopReplicaRequest
from odradek.protocol.generated.stop_replica_response import StopReplicaResponse
from odradek.telemetry import get_logger

_log = get_logger(__name__)

RETRY_SECONDS = 1.0
"""How long to leave a store that fails alone."""


OPERATIONS_IN_A_COMMIT = 1500
"""ZooKeeper takes 1 MB in a commit; a partition's state with its path is half a kB at the most."""


class Outbox(Protocol):
    """Takes requests for brokers, keeps their order, and answers later."""

    def open(self, destinations: Mapping[int, Destination]) -> None:
        """Take requests for exactly these registrations; what is queued for others is dropped."""

    def send(self, node_id: int, request: ControlRequest, answered: Answered | None = None) -> None:
        """Queue a request."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One election won: its epoch, and the version of the epoch's node that commits are conditional on."""

    epoch: int
    epoch_version: int


class _Deposed(Exception):
    """Somebody else was elected."""


@dataclass(slots=True)
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
        self, store: MetadataStore, node_id: int, rules: Rules, outbox: Outbox, clock: Clock
    ) -> None:
        self._store = store
        self._node_id = node_id
        self._rules = rules
        self._outbox = outbox
        self._clock = clock
        self._term: _Term | None = None
        self._changes = store.changes()
        self._answers: deque[ReplicasStopped] = deque()
        self._state = ClusterState(node_id, 0)
        self._stopped = frozenset({node_id} if rules.restart_ends_leadership else ())

    # -- what others ask

    @property
    def is_active(self) -> bool:
        """Whether this broker is the controller, as far as it knows."""
        return self._term is not None

    @property
    def state(self) -> ClusterState:
        """What the controller knows; empty while this broker is not the controller."""
        return self._state

    # -- being elected

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Stand for election, and lead while elected, until cancelled.

        Started once the first term has told the brokers everything, or another controller was found.
        The broker must be registered by then. Raises SessionExpired with the store's session.
        """
        ready = _Once(task_status.started)
        vacancy = self._store.changes(paths.CONTROLLER)
        async for _ in vacancy:
            term = await self._stand()
            if term is not None:
                await self._lead(term, ready)
                vacancy.mark_dirty(paths.CONTROLLER)
            ready()

    async def _stand(self) -> _Term | None:
        """Try to be elected; None if another broker is."""
        while not await self._store.exists(paths.CONTROLLER):
            try:
                return await self._win()
            except (NodeExists, BadVersion):
                continue
            except StoreUnavailable as error:
                _log.error("metadata store failed, standing again", path=error.path, exc_info=error)
                await trio.sleep(RETRY_SECONDS)
        return None

    async def _win(self) -> _Term:
        if not await self._store.exists(paths.CONTROLLER_EPOCH):
            await self._store.commit(Create(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(0)))
        node = await self._store.get(paths.CONTROLLER_EPOCH)
        epoch = znodes.decode_controller_epoch(node.data) + 1
        registration = ControllerRegistration(self._node_id, self._clock.now_ms())
        _, written = await self._store.commit(
            Create(paths.CONTROLLER, registration.encode(), ephemeral=True),
            Set(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(epoch), version=node.version),
        )
        return _Term(epoch, written.version)

    async def _lead(self, term: _Term, ready: _Once) -> None:
        """Be the controller until somebody else is."""
        _log.info("elected controller", epoch=term.epoch)
        self._term = term
        self._answers.clear()
        self._changes = self._store.changes(
            paths.CONTROLLER, paths.BROKER_IDS, paths.TOPICS, paths.DELETE_TOPICS
        )
        try:
            await self._begin(term)
            ready()
            async for dirty in self._changes:
                try:
                    await self._catch_up(term, dirty)
                except SessionExpired:
                    raise
                except StoreError as error:
                    _log.info("a decision could not be written, reading all again", path=error.path)
                    await self._begin(term)
        except _Deposed:
            _log.info("no longer controller", epoch=term.epoch)
        finally:
            self._term = None
            self._state = ClusterState(self._node_id, 0)
            self._outbox.open({})

    # -- leading

    async def _begin(self, term: _Term) -> None:
        """Read everything and take over; again, while the tree changes meanwhile or its store fails."""
        while True:
            self._state = ClusterState(self._node_id, term.epoch)
            try:
                await self._ensure_features(term)
                for topic in await self._store.children(paths.TOPICS):
                    self._changes.follow(paths.topic(topic))
                cluster = await census.read_cluster(self._store)
                self._reach(cluster.brokers)
                await self._carry_out(term, replace(cluster, stopped=self._stopped))
                self._stopped = frozenset()
            except SessionExpired:
                raise
            except StoreUnavailable as error:
                _log.error("metadata store failed, trying again", path=error.path, exc_info=error)
                await trio.sleep(RETRY_SECONDS)
            except StoreError as error:
                _log.info("metadata changed while taking over, reading it again", path=error.path)
            else:
                return

    async def _ensure_features(self, term: _Term) -> None:
        """Write the finalized features of a cluster that has none written, as 3.9's controller does."""
        if not await self._store.exists(paths.FEATURE):
            await self._commit(term, [Create(paths.FEATURE, znodes.encode_features({}))])

    async def _catch_up(self, term: _Term, dirty: frozenset[str]) -> None:
        """Read what may have changed, and carry out what follows from it and from brokers' answers."""
        if paths.CONTROLLER in dirty:
            await self._check_still_elected()
        if paths.BROKER_IDS in dirty:
            brokers = await census.read_brokers(self._store)
            if brokers != self._state.brokers:
                self._reach(brokers)
                await self._carry_out(term, BrokersChanged(brokers))
        await self._catch_up_with_topics(term, dirty)
        while self._answers:
            await self._carry_out(term, self._answers.popleft())
        if paths.DELETE_TOPICS in dirty:
            topics = await self._store.children(paths.DELETE_TOPICS)
            if topics != self._state.deleting:
                await self._carry_out(term, DeletionsChanged(topics))

    def _reach(self, brokers: Mapping[int, LiveBroker]) -> None:
        """Have a channel to each broker's inter-broker listener; one without it cannot be told anything."""
        listener = self._rules.inter_broker_listener
        destinations: dict[int, Destination] = {}
        for node_id in sorted(brokers):
            broker = brokers[node_id]
            endpoint = broker.registration.endpoint(listener)
            if endpoint is None:
                _log.error("registered broker has no such listener", broker=node_id, listener=listener)
            else:
                destinations[node_id] = Destination(broker.epoch, endpoint.host, endpoint.port)
        self._outbox.open(destinations)

    async def _check_still_elected(self) -> None:
        try:
            data = (await self._store.get(paths.CONTROLLER)).data
        except NoNode:
            raise _Deposed from None
        if ControllerRegistration.decode(data).broker_id != self._node_id:
            raise _Deposed

    async def _catch_up_with_topics(self, term: _Term, dirty: frozenset[str]) -> None:
        """Follow the set of topics, and read those that changed; new ones are read after the next wake."""
        gone: frozenset[str] = frozenset()
        if paths.TOPICS in dirty:
            there = await self._store.children(paths.TOPICS)
            gone = frozenset(self._state.topics.keys() - there)
            for topic in gone:
                self._changes.discard(paths.topic(topic))
            for topic in there - self._state.topics.keys():
                self._changes.add(paths.topic(topic))
        prefix = f"{paths.TOPICS}/"
        names = [path.removeprefix(prefix) for path in dirty if path.startswith(prefix)]
        read = await census.read_topics(self._store, names)
        changed = {name: topic for name, topic in read.items() if topic != self._state.topics.get(name)}
        if changed or gone:
            await self._carry_out(term, TopicsChanged(changed, gone))

    async def _carry_out(self, term: _Term, event: Event) -> None:
        """Decide, write, and only then believe it and tell the brokers."""
        decision = self._rules.decide(self._state, event)
        await self._commit(term, await tree.operations(self._store, decision.writes))
        self._state = decision.state
        for outgoing in decision.requests:
            self._outbox.send(outgoing.node_id, outgoing.request, self._answered(outgoing))

    async def _commit(self, term: _Term, operations: Sequence[Operation]) -> None:
        """Write, as long as nobody else was elected; a decision of very many writes goes in parts.

        When a part does not fit the tree, everything is read again, those written before it included.
        """
        try:
            for at in range(0, len(operations), OPERATIONS_IN_A_COMMIT):
                part = operations[at : at + OPERATIONS_IN_A_COMMIT]
                await self._store.commit(Check(paths.CONTROLLER_EPOCH, term.epoch_version), *part)
        except BadVersion as error:
            if error.path == paths.CONTROLLER_EPOCH:
                raise _Deposed from error
            raise

    def _answered(self, outgoing: Outgoing) -> Answered | None:
        """Have the answers that decide something come back as events."""
        if not isinstance(outgoing.request, StopReplicaRequest):
            return None
        epoch = outgoing.request.controller_epoch

        def note(response: ControlResponse) -> None:
            assert isinstance(response, StopReplicaResponse)
            if self._term is not None and self._term.epoch == epoch:
                self._answers.append(_stopped(outgoing.node_id, response))
                self._changes.mark_dirty(paths.DELETE_TOPICS)

        return note


def _stopped(node_id: int, response: StopReplicaResponse) -> ReplicasStopped:
    errors = {
        TopicPartition(e.topic_name, e.partition_index): e.error_code for e in response.partition_errors
    }
    return ReplicasStopped(node_id, errors)
