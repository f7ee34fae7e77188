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
from odradek.controller.kraft_checks import KRaftChecks
from odradek.controller.metadata_waits import wait_until
from odradek.controller.new_topic import CreatedTopic, NewPartitions, NewTopic, Outcome
from odradek.controller.zookeeper_checks import ZooKeeperChecks
from odradek.coordination.store import (
    BadVersion,
    Create,
    MetadataStore,
    Node,
    NodeExists,
    NoNode,
    Operation,
    Set,
    StoreError,
)
from odradek.errors import KafkaError
from odradek.metadata import paths, topic_names, znodes
from odradek.metadata.cache import MetadataCache, Snapshot
from odradek.metadata.topic_id import random_topic_id
from odradek.metadata.znodes import NO_LEADER, ReplicaAssignment, TopicAssignment
from odradek.protocol.error_codes import ErrorCode
from odradek.telemetry import get_logger

_log = get_logger(__name__)


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
    """Give the checks of a release."""
    return ZooKeeperChecks() if release.zookeeper else KRaftChecks(release)


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
        created = {topic.name: await self._create(topic, checks, validate_only) for topic in topics}
        if validate_only:
            return created
        counts = {name: one.partition_count for name, one in created.items() if one.code == ErrorCode.NONE}
        late = await self._wait_led(counts, timeout_ms)
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
            created = await self._create(automatic_topic(name, config), checks_of(config.release), False)
        finally:
            self._being_created.discard(name)
        if not config.release.zookeeper:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if created.code in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
            return ErrorCode.LEADER_NOT_AVAILABLE
        return ErrorCode(created.code)

    async def _create(self, topic: NewTopic, checks: TopicChecks, validate_only: bool) -> CreatedTopic:
        try:
            view = await self._view()
            assignment = checks.new_topic(topic, view, self._config(), self._start(len(view.racks)))
            topic_id = random_topic_id(self._random.randbytes)
            configs = {name: value for name, value in topic.configs.items() if value is not None}
            partitions = {n: ReplicaAssignment(assignment[n]) for n in sorted(assignment)}
            if not validate_only:
                await self._write_topic(topic.name, TopicAssignment(topic_id, partitions), configs)
        except KafkaError as error:
            _log.info("topic not created", topic=topic.name, error=str(error))
            return CreatedTopic(error.code, error.message)
        except StoreError as error:
            _log.error("topic not created", topic=topic.name, exc_info=error)
            return CreatedTopic(ErrorCode.UNKNOWN_SERVER_ERROR)
        return CreatedTopic(ErrorCode.NONE, None, topic_id, len(assignment), len(assignment[0]), configs)

    async def _write_topic(self, name: str, assignment: TopicAssignment, configs: Mapping[str, str]) -> None:
        config_path, config = paths.config("topics", name), znodes.encode_entity_config(configs)
        while True:
            # Configs may be there before their topic: those of a topic to come can be set.
            known = await self._store.exists(config_path)
            write_config: Operation = Set(config_path, config) if known else Create(config_path, config)
            try:
                await self._store.commit(write_config, Create(paths.topic(name), assignment.encode()))
            except (NodeExists, NoNode) as error:
                if error.path == config_path:
                    continue
                message = f"Topic '{name}' already exists."
                raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, message) from error
            return

    def _start(self, broker_count: int) -> Start:
        return Start(
            self._random.randrange(max(broker_count, 1)), self._random.randrange(max(broker_count, 1))
        )

    async def _view(self) -> ClusterView:
        snapshot = self._metadata.snapshot
        return ClusterView(
            known=snapshot.topics.keys(),
            stored=await self._store.children(paths.TOPICS),
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
        if timeout_ms <= 0 and checks_of(self._config().release).drops_what_is_late:
            return dict.fromkeys(names, ErrorCode.REQUEST_TIMED_OUT)
        outcomes = {name: await self._mark_for_deletion(name) for name in names}
        marked = {name for name, outcome in outcomes.items() if outcome == ErrorCode.NONE}
        late = marked if timeout_ms <= 0 else await self._wait_gone(marked, timeout_ms)
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
            return ErrorCode.UNKNOWN_SERVER_ERROR
        return ErrorCode.NONE

    async def _wait_gone(self, names: set[str], timeout_ms: int) -> set[str]:
        """Wait until topics are neither known nor stored; name those that still are.

        Kafka 3.9 waits for its metadata only, so that creating the topic anew at once fails there now and
        then, where a KRaft controller would have forgotten it. Waiting for both serves either's clients.
        """
        remaining = set(names)
        changes = self._store.changes(*(paths.delete_topic(name) for name in names))
        with trio.move_on_after(timeout_ms / 1000):
            while remaining:
                await anext(changes)
                remaining &= await self._store.children(paths.DELETE_TOPICS)
        known = self._metadata.snapshot.topics.keys()
        return {name for name in names if name in remaining or name in known}

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
        late = await self._wait_led(counts, timeout_ms)
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
                node = await self._topic_node(wanted.topic)
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
                return Outcome(ErrorCode.UNKNOWN_SERVER_ERROR)
            return Outcome()

    async def _topic_node(self, name: str) -> Node | None:
        try:
            return await self._store.get(paths.topic(name))
        except NoNode:
            return None


def _is_led(snapshot: Snapshot, topic: str, partition_count: int) -> bool:
    metadata = snapshot.topics.get(topic)
    return metadata is not None and all(
        number in metadata.partitions and metadata.partitions[number].leader != NO_LEADER
        for number in range(partition_count)
    )


def _late(created: CreatedTopic) -> CreatedTopic:
    return CreatedTopic(ErrorCode.REQUEST_TIMED_OUT, topic_id=created.topic_id)
