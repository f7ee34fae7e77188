"""One term of office: from an election won until somebody else is elected.

A loop: something changed, or somebody asks → read it again → decide (`rules`, pure) → commit on the condition
that nobody else was elected → tell the brokers → answer. One task reads and decides, so that each decision
sees the tree with all that earlier ones wrote. When a commit does not fit the tree any more, everything is
read again. Source: kafka.controller.KafkaController, ControllerEventManager.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import trio

from odradek.controller import answers, census, topic_ids, tree
from odradek.controller.commands import Command
from odradek.controller.decision import Decision, Outgoing
from odradek.controller.events import (
    BrokersChanged,
    DeletionsChanged,
    Event,
    LeadershipRead,
    LogDirsFailed,
    PreferredElectionNodeRead,
    ReassignmentNodeRead,
    RebalanceDue,
    TopicsChanged,
)
from odradek.controller.partitions import dark_topics
from odradek.controller.rules import Rules
from odradek.controller.state import ClusterState, LiveBroker
from odradek.coordination.commits import in_commits
from odradek.coordination.perseverance import RETRY_SECONDS
from odradek.coordination.store import (
    BadVersion,
    Check,
    Create,
    Delete,
    MetadataStore,
    NoNode,
    Operation,
    SessionExpired,
    Set,
    StoreError,
    StoreUnavailable,
    find_node,
)
from odradek.errors import KafkaError
from odradek.metadata import paths, znodes
from odradek.metadata.znodes import ControllerRegistration, TopicAssignment
from odradek.peers.control_channels import Answered, ControlRequest, ControlResponse, Destination
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_FIRST_PAUSE_S = 0.01
"""Before a takeover begins anew that the tree has foiled twice; twice as long each time."""

FIRST_REBALANCE_SECONDS = 5.0
"""How long after an election leaders may be where they are, as in KafkaController."""

_ATTEMPTS = 5
"""How often a command is decided again, because the tree changed meanwhile, before it is given up."""

_WATCHED = (
    paths.CONTROLLER,
    paths.BROKER_IDS,
    paths.TOPICS,
    paths.ISR_CHANGE_NOTIFICATION,
    paths.LOG_DIR_EVENT_NOTIFICATION,
    paths.REASSIGN_PARTITIONS,
    paths.PREFERRED_REPLICA_ELECTION,
    paths.DELETE_TOPICS,
)


class Outbox(Protocol):
    """Takes requests for brokers, keeps their order, and answers later."""

    def open(self, destinations: Mapping[int, Destination]) -> None:
        """Take requests for exactly these registrations; what is queued for others is dropped."""

    def send(self, node_id: int, request: ControlRequest, answered: Answered | None = None) -> None:
        """Queue a request."""


class Deposed(Exception):
    """Somebody else was elected."""


@dataclass(slots=True, eq=False, repr=False)
class _Asked:
    """A command, and what becomes of it."""

    command: Command
    done: trio.Event = field(default_factory=trio.Event)
    answer: Any = None
    refusal: KafkaError | None = None

    def answered(self, answer: object) -> None:
        self.answer = answer
        self.done.set()

    def refused(self, refusal: KafkaError) -> None:
        self.refusal = refusal
        self.done.set()


ReadConfigs = Callable[[Sequence[str]], Awaitable[None]]
"""Has topics' configs read from the store, as Kafka's controller does before it elects out of sync: what a
topic was created with is announced to nobody."""


class Term:
    """One term. Owned by the task that runs `run`; others may `ask` and `note`.

    `epoch_version` is the version of the epoch's node, on which every commit is conditional. `stopped` are
    brokers that led and followed nothing before this term, though they are registered.
    """

    def __init__(
        self,
        store: MetadataStore,
        rules: Rules,
        outbox: Outbox,
        state: ClusterState,
        epoch_version: int,
        read_configs: ReadConfigs,
    ) -> None:
        self.state = state
        """What this controller knows."""
        self.epoch_version = epoch_version
        self._store = store
        self._rules = rules
        self._outbox = outbox
        self._read_configs = read_configs
        self._changes = store.changes(*_WATCHED)
        self._inbox: deque[_Asked | Event] = deque()
        self._followed: frozenset[str] = frozenset()
        """The topics whose changes are heard of, whether they are known yet or not."""
        self._rebalance_at = trio.current_time() + FIRST_REBALANCE_SECONDS

    # -- what others say

    async def ask(self, command: Command) -> Any:
        """Have a command carried out, and give its answer. Raises KafkaError, NOT_CONTROLLER at the end."""
        asked = _Asked(command)
        self._inbox.append(asked)
        self._changes.wake()
        await asked.done.wait()
        if asked.refusal is not None:
            raise asked.refusal
        return asked.answer

    def note(self, event: Event) -> None:
        """Have something decided in its turn that nobody waits for."""
        self._inbox.append(event)
        self._changes.wake()

    # -- the loop

    async def run(self, stopped: frozenset[int], ready: Callable[[], None]) -> None:
        """Lead; `ready` is called once the brokers were told everything. Raises Deposed, SessionExpired."""
        try:
            await self._begin(stopped)
            ready()
            while True:
                dirty = await self._next()
                try:
                    await self._catch_up(dirty)
                    await self._work_off()
                except SessionExpired:
                    raise
                except StoreError as error:
                    _log.info("a decision could not be written, reading all again", path=error.path)
                    # What was dirty need not have been heeded yet, and not all of it is read to begin.
                    for path in _WATCHED:
                        self._changes.mark_dirty(path)
                    await self._begin()
        finally:
            self._outbox.open({})
            for waiting in self._inbox:
                if isinstance(waiting, _Asked):
                    waiting.refused(KafkaError(ErrorCode.NOT_CONTROLLER))
            self._inbox.clear()

    async def _next(self) -> frozenset[str]:
        """The paths that may have changed; none when there is only something to decide."""
        interval = self._rules.rebalance_interval_seconds
        if interval is None:
            return await anext(self._changes)
        with trio.move_on_at(self._rebalance_at):
            return await anext(self._changes)
        self._rebalance_at = trio.current_time() + interval
        self._inbox.append(RebalanceDue())
        return frozenset()

    async def _begin(self, stopped: frozenset[int] = frozenset()) -> None:
        """Read everything and take over; again, while the tree changes meanwhile or its store fails."""
        pause_s = 0.0
        while True:
            try:
                await self._ensure_features()
                self._follow(await self._store.children(paths.TOPICS))
                cluster = await census.read_cluster(self._store)
                topics = await self._identify(cluster.topics)
                self._reach(cluster.brokers)
                elected = replace(cluster, topics=topics, stopped=stopped)
                await self._carry_out(elected, self._remembered(cluster.brokers))
            except SessionExpired:
                raise
            except StoreUnavailable as error:
                _log.error("metadata store failed, trying again", path=error.path, exc_info=error)
                await trio.sleep(RETRY_SECONDS)
            except StoreError as error:
                _log.info("metadata changed while taking over, reading it again", path=error.path)
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s or _FIRST_PAUSE_S, RETRY_SECONDS)
            else:
                return

    def _remembered(self, brokers: Mapping[int, LiveBroker]) -> ClusterState:
        """What this term knows and the store does not, or not alone: who is stopping, what is being moved."""
        before = self.state
        stopping = {
            node_id
            for node_id in before.shutting_down & brokers.keys()
            if brokers[node_id].epoch == before.brokers[node_id].epoch
        }
        return ClusterState(
            before.controller_id,
            before.controller_epoch,
            shutting_down=frozenset(stopping),
            reassigned_by_node=before.reassigned_by_node,
        )

    async def _identify(self, topics: Mapping[str, TopicAssignment]) -> Mapping[str, TopicAssignment]:
        """Give ids to those of the topics that have none."""
        topics, writes = topic_ids.identified(topics, self.state, os.urandom)
        await self._commit(writes)
        return topics

    async def _ensure_features(self) -> None:
        """Have the finalized features written as our protocol version has them, as 3.9's controller does."""
        version = self._rules.features_version
        node = await find_node(self._store, paths.FEATURE)
        if node is None:
            await self._commit([Create(paths.FEATURE, znodes.encode_features({}, version))])
            return
        written = znodes.decode_features(node.data)
        finalized = written.finalized if written.is_enabled else {}
        if not written.is_enabled or written.version != version:
            encoded = znodes.encode_features(finalized, version)
            await self._commit([Set(paths.FEATURE, encoded, version=node.version)])

    # -- what may have changed

    async def _catch_up(self, dirty: frozenset[str]) -> None:
        """Read what may have changed, and carry out what follows from it."""
        if paths.CONTROLLER in dirty:
            await self._check_still_elected()
        if any(path.startswith(paths.BROKER_IDS) for path in dirty):
            await self._catch_up_with_brokers()
        await self._catch_up_with_topics(dirty)
        if paths.ISR_CHANGE_NOTIFICATION in dirty:
            await self._catch_up_with_isr_changes()
        if paths.LOG_DIR_EVENT_NOTIFICATION in dirty:
            await self._catch_up_with_log_dirs()
        if paths.REASSIGN_PARTITIONS in dirty:
            await self._catch_up_with_reassignments()
        if paths.PREFERRED_REPLICA_ELECTION in dirty:
            await self._catch_up_with_preferred_elections()
        if paths.DELETE_TOPICS in dirty:
            await self._catch_up_with_deletions()

    async def _check_still_elected(self) -> None:
        try:
            data = (await self._store.get(paths.CONTROLLER)).data
        except NoNode:
            raise Deposed from None
        if ControllerRegistration.decode(data).broker_id != self.state.controller_id:
            raise Deposed

    async def _catch_up_with_brokers(self) -> None:
        brokers = await census.read_brokers(self._store)
        for node_id in self.state.brokers.keys() - brokers.keys():
            self._changes.discard(paths.broker_id(node_id))
        for node_id in brokers:
            self._changes.add(paths.broker_id(node_id))
        if brokers != self.state.brokers:
            self._reach(brokers)
            await self._carry_out(BrokersChanged(brokers))

    def _reach(self, brokers: Mapping[int, LiveBroker]) -> None:
        """Have a channel to each broker's listener for it; one that has none cannot be told anything."""
        listener = self._rules.control_plane_listener or self._rules.inter_broker_listener
        destinations: dict[int, Destination] = {}
        for node_id, broker in brokers.items():
            endpoint = broker.registration.endpoint(listener)
            if endpoint is None:
                _log.error("registered broker has no such listener", broker=node_id, listener=listener)
            else:
                destinations[node_id] = Destination(broker.epoch, endpoint.host, endpoint.port)
        self._outbox.open(destinations)

    async def _catch_up_with_topics(self, dirty: frozenset[str]) -> None:
        """Follow the set of topics, and read those that are new or changed."""
        prefix = f"{paths.TOPICS}/"
        names = {path.removeprefix(prefix) for path in dirty if path.startswith(prefix)}
        gone: frozenset[str] = frozenset()
        if paths.TOPICS in dirty:
            there = await self._store.children(paths.TOPICS)
            gone = frozenset(self.state.topics.keys() - there)
            names |= (there - self.state.topics.keys()) | (there - self._followed)
            self._follow(there)
        read = await self._identify(await census.read_topics(self._store, names))
        changed = {name: topic for name, topic in read.items() if not self._is_known(name, topic)}
        if changed or gone:
            await self._carry_out(TopicsChanged(changed, gone))

    def _follow(self, topics: frozenset[str]) -> None:
        """Hear of changes to exactly these topics."""
        for topic in sorted(self._followed - topics):
            self._changes.discard(paths.topic(topic))
        for topic in sorted(topics - self._followed):
            self._changes.follow(paths.topic(topic))
        self._followed = topics

    def _is_known(self, name: str, topic: TopicAssignment) -> bool:
        known = self.state.topics.get(name)
        return known == topic and known.version == topic.version

    async def _catch_up_with_deletions(self) -> None:
        wishes = await self._store.children(paths.DELETE_TOPICS)
        if not wishes <= self.state.topics.keys():
            # A topic was there before the wish to delete it: if it is not to be found now, it is gone.
            await self._catch_up_with_topics(frozenset({paths.TOPICS}))
        if wishes != self.state.deleting:
            await self._carry_out(DeletionsChanged(wishes))

    async def _catch_up_with_isr_changes(self) -> None:
        found = await self._notifications(paths.ISR_CHANGE_NOTIFICATION, znodes.decode_isr_changes)
        partitions = sorted({each for named in found.values() for each in named or () if each in self.state})
        if partitions:
            await self._carry_out(LeadershipRead(await census.read_leadership(self._store, partitions)))
        await self._commit([Delete(path) for path in found])

    async def _catch_up_with_log_dirs(self) -> None:
        found = await self._notifications(paths.LOG_DIR_EVENT_NOTIFICATION, znodes.decode_log_dir_event)
        brokers = frozenset(found.values()) & self.state.brokers.keys()
        if brokers:
            await self._carry_out(LogDirsFailed(brokers))
        await self._commit([Delete(path) for path in found])

    async def _notifications(self, path: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
        """What the children of a node say, by their paths; None where that cannot be read."""
        nodes = [f"{path}/{name}" for name in sorted(await self._store.children(path))]
        read = await census.read_nodes(self._store, {node: node for node in nodes}, decode)
        return {node: read[node][1] if node in read else None for node in nodes}

    async def _catch_up_with_reassignments(self) -> None:
        """Begin what the node asks for; like Kafka's controller, heed no change to it while that goes on."""
        targets = await self._asked_for(paths.REASSIGN_PARTITIONS, znodes.decode_reassignments)
        if bool(targets) != bool(self.state.reassigned_by_node):
            await self._carry_out(ReassignmentNodeRead(targets or {}))

    async def _catch_up_with_preferred_elections(self) -> None:
        path = paths.PREFERRED_REPLICA_ELECTION
        partitions = await self._asked_for(path, znodes.decode_preferred_elections)
        if partitions is not None:
            await self._carry_out(PreferredElectionNodeRead(tuple(sorted(partitions))))

    async def _asked_for(self, path: str, decode: Callable[[bytes], Any]) -> Any:
        """What a node asks for; None without a node that can be read."""
        read = await census.read_nodes(self._store, {path: path}, decode)
        return read[path][1] if path in read else None

    # -- deciding

    async def _work_off(self) -> None:
        """Decide what was asked and noted, in its order."""
        while self._inbox:
            waiting = self._inbox.popleft()
            if isinstance(waiting, _Asked):
                await self._obey(waiting)
            else:
                await self._carry_out(waiting)

    async def _obey(self, asked: _Asked) -> None:
        try:
            for _ in range(_ATTEMPTS):
                try:
                    asked.answered(await self._carry_out(asked.command))
                except SessionExpired:
                    raise
                except StoreError as error:
                    _log.info("a command could not be written, reading all again", path=error.path)
                    await self._begin()
                else:
                    return
            asked.refused(KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR))
        except KafkaError as refusal:
            asked.refused(refusal)
        except BaseException:
            asked.refused(KafkaError(ErrorCode.NOT_CONTROLLER))
            raise

    async def _carry_out(self, event: Event, state: ClusterState | None = None) -> object:
        """Decide, write, and only then believe it and tell the brokers; what follows is decided next."""
        state = state or self.state
        if dark := dark_topics(state, event):
            await self._read_configs(dark)
        decision = self._decide(event, state)
        await self._commit(await tree.operations(self._store, decision.writes))
        self.state = decision.state
        for outgoing in decision.requests:
            self._outbox.send(outgoing.node_id, outgoing.request, self._answered(outgoing))
        self._inbox.extendleft(reversed(decision.then))
        if decision.then:
            self._changes.wake()
        return decision.answer

    def _decide(self, event: Event, state: ClusterState) -> Decision:
        """Raises KafkaError to refuse a command, also one that shows a bug of ours: nothing has happened."""
        try:
            return self._rules.decide(state, event)
        except KafkaError:
            raise
        except Exception as error:
            if not isinstance(event, Command):
                raise
            _log.error("unexpected error in a command", command=type(event).__name__, exc_info=error)
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR) from error

    async def _commit(self, operations: Sequence[Operation]) -> None:
        """Write, as long as nobody else was elected; a decision of very many writes goes in parts.

        When a part does not fit the tree, everything is read again, those written before it included.
        """
        try:
            for part in in_commits(operations):
                await self._store.commit(Check(paths.CONTROLLER_EPOCH, self.epoch_version), *part)
        except BadVersion as error:
            if error.path == paths.CONTROLLER_EPOCH:
                raise Deposed from error
            raise

    def _answered(self, outgoing: Outgoing) -> Answered:
        """Have the answers that decide something come back as events."""

        def note(response: ControlResponse) -> None:
            event = answers.event_of(outgoing, response, self.state)
            if event is not None:
                self.note(event)

        return note
