"""TopicAdmin: creates and deletes topics and adds partitions, and waits until that has happened.

It only writes wishes into the store (a topic's assignment, a name under /admin/delete_topics); the
controller sees them and acts. Done is what this broker's own metadata shows, as in Kafka. What is refused,
in which words and in which order, depends on the emulated release (`zookeeper_checks`, `kraft_checks`).
Source: kafka.server.ZkAdminManager, DelayedCreatePartitions, DelayedDeleteTopics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from random import Random, SystemRandom
from typing import Protocol

import trio

from odradek.config.broker_config import BrokerConfig
from odradek.config.release import Release
from odradek.controller.assignment import Start
from odradek.controller.auto_creation import automatic_topic
from odradek.controller.cluster_view import Assignment, ClusterView
from odradek.controller.metadata_waits import wait_until
from odradek.controller.new_topic import CreatedTopic, NewPartitions, NewTopic, Outcome
from odradek.coordination.commits import BYTES_IN_A_COMMIT, size_bytes
from odradek.coordination.store import (
    BadVersion,
    Create,
    MetadataStore,
    NodeExists,
    NoNode,
    Operation,
    Set,
    StoreError,
    StoreUnavailable,
    find_node,
)
from odradek.errors import KafkaError
from odradek.metadata import paths, topic_names, znodes
from odradek.metadata.cache import MetadataCache, Snapshot
from odradek.metadata.topic_id import random_topic_id
from odradek.metadata.znodes import NO_LEADER, ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import get_logger

_log = get_logger(__name__)


_KRAFT_PATIENCE_MS = 30_000

_TOPICS_IN_A_COMMIT = 100


class TopicChecks(Protocol):
    """What a release refuses."""

    @property
    def drops_what_is_late(self) -> bool:
        """Whether a time-out of zero or less means that nothing is done."""

    def new_topic(self, topic: NewTopic, view: ClusterView, config: BrokerConfig, start: Start) -> Assignment:
        """Check a topic to create; raises KafkaError."""

    def new_partitions(
        self, wanted: NewPartitions, existing: TopicAssignment | None, view: ClusterView
    ) -> Assignment:
        """Check partitions to add; raises KafkaError."""


def checks_of(release: Release) -> TopicChecks:
    """Give the checks of a release; only one of the two is ever loaded."""
    if release.zookeeper:
        from odradek.controller.zookeeper_checks import ZooKeeperChecks

        return ZooKeeperChecks()
    from odradek.controller.kraft_checks import KRaftChecks

    return KRaftChecks(release)


class TopicAdmin:
    """Administers topics. `config` gives the broker's configuration of the moment."""

    def __init__(
        self,
        store: MetadataStore,
        metadata: MetadataCache,
        config: Callable[[], BrokerConfig],
        random: Random | None = None,
    ) -> None:
        self._store = store
        self._metadata = metadata
        self._config = config
        self._random = random or SystemRandom()
        self._being_created: set[str] = set()

    # -- creation

    async def create_topics(
        self, topics: Sequence[NewTopic], *, timeout_ms: int, validate_only: bool = False
    ) -> dict[str, CreatedTopic]:
        """Create topics of different names; wait until all their partitions are led, or the time is up.

        One whose partitions are not led in time ends as REQUEST_TIMED_OUT, though it was created.
        """
        checks = checks_of(self._config().release)
        if checks.drops_what_is_late and timeout_ms <= 0:
            return {topic.name: CreatedTopic(ErrorCode.REQUEST_TIMED_OUT) for topic in topics}
        created = await self._create(topics, checks, validate_only)
        if validate_only:
            return created
        counts = {name: one.partition_count for name, one in created.items() if one.code == ErrorCode.NONE}
        late = await self._wait_led(counts, _patience_ms(checks, timeout_ms))
        return {name: _late(one) if name in late else one for name, one in created.items()}

    async def create_automatically(self, names: Collection[str]) -> dict[str, ErrorCode]:
        """Create topics because somebody asked for them, without waiting; give what to tell who asked.

        That is an error in any case: the topic is not led yet. It tells the client to ask again, unless the
        topic cannot be created. Internal topics get their own configs.
        """
        return {name: await self._create_automatically(name) for name in names}

    async def _create_automatically(self, name: str) -> ErrorCode:
        if topic_names.reason_invalid(name) is not None:
            return ErrorCode.INVALID_TOPIC_EXCEPTION
        config = self._config()
        forbidden = not config.release.zookeeper and name == topic_names.CLUSTER_METADATA_TOPIC
        if forbidden or name in self._being_created:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        self._being_created.add(name)
        try:
            topic = automatic_topic(name, config)
            created = (await self._create([topic], checks_of(config.release), False))[topic.name]
        finally:
            self._being_created.discard(name)
        if not config.release.zookeeper:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if created.code in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
            return ErrorCode.LEADER_NOT_AVAILABLE
        return ErrorCode(created.code)

    async def _create(
        self, topics: Sequence[NewTopic], checks: TopicChecks, validate_only: bool
    ) -> dict[str, CreatedTopic]:
        """Create topics, each checked against those before it. Commits hold many: each waits for a disk."""
        created: dict[str, CreatedTopic] = {}
        planned: dict[str, TopicAssignment] = {}
        planned_bytes = 0
        for topic in topics:
            try:
                view = await self._view(planned.keys())
                assignment = checks.new_topic(topic, view, self._config(), self._start(len(view.racks)))
            except (KafkaError, StoreError) as error:
                created[topic.name] = _not_created(topic.name, error)
                continue
            topic_id = random_topic_id(self._random.randbytes)
            configs = {name: value for name, value in topic.configs.items() if value is not None}
            created[topic.name] = CreatedTopic(
                ErrorCode.NONE, None, topic_id, len(assignment), len(assignment[0]), configs
            )
            if not validate_only:
                partitions = {n: ReplicaAssignment(assignment[n]) for n in sorted(assignment)}
                to_write = TopicAssignment(topic_id, partitions)
                added_bytes = _creation_bytes(topic.name, to_write, configs)
                full = len(planned) == _TOPICS_IN_A_COMMIT or planned_bytes + added_bytes > BYTES_IN_A_COMMIT
                if planned and full:
                    await self._write_topics(planned, created)
                    planned.clear()
                    planned_bytes = 0
                planned[topic.name] = to_write
                planned_bytes += added_bytes
        await self._write_topics(planned, created)
        return created

    async def _write_topics(
        self, planned: Mapping[str, TopicAssignment], created: dict[str, CreatedTopic]
    ) -> None:
        """Write topics in one commit or, where that does not fit the tree, one by one; note who failed."""
        try:
            operations = [
                operation
                for name, assignment in planned.items()
                for operation in await self._creation(name, assignment, created[name].configs)
            ]
            if operations:
                await self._store.commit(*operations)
        except StoreError:
            for name, assignment in planned.items():
                try:
                    await self._write_topic(name, assignment, created[name].configs)
                except (KafkaError, StoreError) as error:
                    created[name] = _not_created(name, error)

    async def _write_topic(self, name: str, assignment: TopicAssignment, configs: Mapping[str, str]) -> None:
        while True:
            try:
                await self._store.commit(*await self._creation(name, assignment, configs))
            except (NodeExists, NoNode) as error:
                if error.path == paths.config("topics", name):
                    continue
                message = f"Topic '{name}' already exists."
                raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, message) from error
            return

    async def _creation(
        self, name: str, assignment: TopicAssignment, configs: Mapping[str, str]
    ) -> tuple[Operation, ...]:
        path, config = paths.config("topics", name), znodes.encode_entity_config(configs)
        # Configs may be there before their topic: those of a topic to come can be set.
        known = await self._store.exists(path)
        write_config: Operation = Set(path, config) if known else Create(path, config)
        return write_config, Create(paths.topic(name), assignment.encode())

    def _start(self, broker_count: int) -> Start:
        return Start(
            self._random.randrange(max(broker_count, 1)), self._random.randrange(max(broker_count, 1))
        )

    async def _view(self, planned: Collection[str] = ()) -> ClusterView:
        """See the cluster as it is, or will be with topics about to be stored."""
        snapshot = self._metadata.snapshot
        stored = await self._store.children(paths.TOPICS)
        return ClusterView(
            known=snapshot.topics.keys(),
            stored=stored.union(planned) if planned else stored,
            marked_for_deletion=await self._store.children(paths.DELETE_TOPICS),
            racks={node_id: broker.rack for node_id, broker in snapshot.brokers.items()},
        )

    async def _wait_led(self, partition_counts: Mapping[str, int], timeout_ms: int) -> set[str]:
        """Wait until so many partitions of each topic are led; name the topics that are late."""
        if timeout_ms <= 0:
            return set(partition_counts)

        def unled(snapshot: Snapshot) -> set[str]:
            return {name for name, count in partition_counts.items() if not _is_led(snapshot, name, count)}

        await wait_until(self._metadata, lambda snapshot: not unled(snapshot), timeout_ms=timeout_ms)
        return unled(self._metadata.snapshot)

    # -- deletion

    async def delete_topics(self, names: Collection[str], *, timeout_ms: int) -> dict[str, ErrorCode]:
        """Delete topics; wait until they are gone, or the time is up (REQUEST_TIMED_OUT).

        A topic that is being deleted already is waited for as well.
        """
        checks = checks_of(self._config().release)
        if checks.drops_what_is_late and timeout_ms <= 0:
            return dict.fromkeys(names, ErrorCode.REQUEST_TIMED_OUT)
        held_up = {name for name in names if await self._is_on_dead_broker(name)}
        outcomes = {name: await self._mark_for_deletion(name) for name in names}
        marked = {name for name, outcome in outcomes.items() if outcome == ErrorCode.NONE}
        late = await self._wait_gone(marked - held_up, held_up & marked, _patience_ms(checks, timeout_ms))
        return {
            name: ErrorCode.REQUEST_TIMED_OUT if name in late else code for name, code in outcomes.items()
        }

    async def _mark_for_deletion(self, name: str) -> ErrorCode:
        try:
            if not await self._store.exists(paths.topic(name)):
                return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            await self._store.commit(Create(paths.delete_topic(name)))
        except NodeExists:
            return ErrorCode.NONE
        except StoreError as error:
            _log.error("topic not deleted", topic=name, exc_info=error)
            return _code_of(error)
        return ErrorCode.NONE

    async def _is_on_dead_broker(self, name: str) -> bool:
        """Whether a replica of the topic is where nobody can delete it now."""
        node = await find_node(self._store, paths.topic(name))
        if node is None:
            return False
        replicas = TopicAssignment.decode(node.data).partitions.values()
        alive = self._metadata.snapshot.brokers.keys()
        return any(not alive >= set(each.replicas) for each in replicas)

    async def _wait_gone(self, names: set[str], held_up: set[str], timeout_ms: int) -> set[str]:
        """Wait until topics are neither known nor stored, those held up only not known; name what is late.

        Kafka 3.9 waits for its metadata only, so that creating the topic anew at once fails there now and
        then, where a KRaft controller would have forgotten it. Waiting for both serves either's clients; but
        a topic with replicas on a dead broker stays stored until that is back.
        """
        if timeout_ms <= 0:
            return names | held_up
        remaining = set(names)
        changes = self._store.changes(*(paths.delete_topic(name) for name in names))
        with trio.move_on_after(timeout_ms / 1000):
            while remaining:
                await anext(changes)
                remaining &= await self._store.children(paths.DELETE_TOPICS)
            await wait_until(
                self._metadata, lambda snapshot: not held_up & snapshot.topics.keys(), timeout_ms=timeout_ms
            )
        known = self._metadata.snapshot.topics.keys()
        return remaining | ((names | held_up) & known)

    # -- partitions

    async def create_partitions(
        self, wanted: Sequence[NewPartitions], *, timeout_ms: int, validate_only: bool = False
    ) -> dict[str, Outcome]:
        """Add partitions to different topics; wait until they are led, or the time is up."""
        checks = checks_of(self._config().release)
        if checks.drops_what_is_late and timeout_ms <= 0:
            return {one.topic: Outcome(ErrorCode.REQUEST_TIMED_OUT) for one in wanted}
        outcomes = {one.topic: await self._add_partitions(one, checks, validate_only) for one in wanted}
        if validate_only:
            return outcomes
        counts = {one.topic: one.count for one in wanted if outcomes[one.topic].code == ErrorCode.NONE}
        late = await self._wait_led(counts, _patience_ms(checks, timeout_ms))
        return {
            topic: Outcome(ErrorCode.REQUEST_TIMED_OUT) if topic in late else outcome
            for topic, outcome in outcomes.items()
        }

    async def _add_partitions(
        self, wanted: NewPartitions, checks: TopicChecks, validate_only: bool
    ) -> Outcome:
        path = paths.topic(wanted.topic)
        while True:
            try:
                node = await find_node(self._store, paths.topic(wanted.topic))
                existing = TopicAssignment.decode(node.data) if node else None
                added = checks.new_partitions(wanted, existing, await self._view())
                if node is None or existing is None or validate_only:
                    return Outcome()
                partitions = dict(existing.partitions)
                partitions |= {number: ReplicaAssignment(nodes) for number, nodes in added.items()}
                changed = replace(existing, partitions=partitions)
                await self._store.commit(Set(path, changed.encode(), version=node.version))
            except KafkaError as error:
                return Outcome(error.code, error.message)
            except (BadVersion, NoNode):
                continue
            except StoreError as error:
                _log.error("partitions not created", topic=wanted.topic, exc_info=error)
                return Outcome(_code_of(error))
            return Outcome()


def _creation_bytes(name: str, assignment: TopicAssignment, configs: Mapping[str, str]) -> int:
    """Tell how much of a commit a topic takes: its node, and that of its configs."""
    return size_bytes(
        Create(paths.config("topics", name), znodes.encode_entity_config(configs)),
        Create(paths.topic(name), assignment.encode()),
    )


def _is_led(snapshot: Snapshot, topic: str, partition_count: int) -> bool:
    metadata = snapshot.topics.get(topic)
    return metadata is not None and all(
        number in metadata.partitions and metadata.partitions[number].leader != NO_LEADER
        for number in range(partition_count)
    )


def _not_created(name: str, error: KafkaError | StoreError) -> CreatedTopic:
    if isinstance(error, KafkaError):
        _log.info("topic not created", topic=name, error=str(error))
        return CreatedTopic(error.code, error.message)
    _log.error("topic not created", topic=name, exc_info=error)
    return CreatedTopic(_code_of(error))


def _code_of(error: StoreError) -> ErrorCode:
    """A store that cannot write now has a full disk, or a broken one."""
    if isinstance(error, StoreUnavailable):
        return ErrorCode.KAFKA_STORAGE_ERROR
    return ErrorCode.UNKNOWN_SERVER_ERROR


def _patience_ms(checks: TopicChecks, timeout_ms: int) -> int:
    """For how long to wait until brokers know what was done.

    The time-out of a request to a KRaft controller ends when it is taken up: what is done then is no more
    late. Sources: kafka.server.ControllerApis, org.apache.kafka.controller.QuorumController.
    """
    return max(timeout_ms, _KRAFT_PATIENCE_MS) if checks.drops_what_is_late else timeout_ms


def _late(created: CreatedTopic) -> CreatedTopic:
    return CreatedTopic(ErrorCode.REQUEST_TIMED_OUT, topic_id=created.topic_id)
