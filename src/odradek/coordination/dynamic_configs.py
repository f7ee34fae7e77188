"""Dynamic configs: what is set at run time for topics, brokers, clients, users and addresses.

    /config/<type>/<name>                    {"version":1,"config":{"retention.ms":"1000"}}
    /config/changes/config_change_0000000007 {"version":2,"entity_path":"topics/orders"}

Every broker keeps them in memory. Who changes one writes its node and, in the same commit, a numbered
notification; every broker reads the nodes that new notifications name, tells its subscribers, and removes
notifications a quarter of an hour old. The cluster's default of a type is the entity `<default>`.

A topic that is created or deleted makes no notification (nor in Kafka): `refresh` reads its node before its
log is made. Owned by the trio thread. Source: DynamicConfigManager, ZkNodeChangeNotificationListener,
AdminZkClient.changeConfigs, ConfigEntityChangeNotificationSequenceZNode.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

import trio

from odradek.clock import Clock
from odradek.config.broker_config import BrokerConfig
from odradek.config.dynamic_broker_config import usable
from odradek.config.log_config import LogConfig
from odradek.config.release import Release
from odradek.config.topic_config import log_config_of
from odradek.coordination.reads import at_once
from odradek.coordination.store import (
    Create,
    Delete,
    MetadataStore,
    NodeExists,
    NoNode,
    Operation,
    Set,
    StoreUnavailable,
    find_children,
)
from odradek.errors import InvalidConfig
from odradek.metadata import paths
from odradek.metadata.znodes import decode_entity_config, encode_entity_config
from odradek.telemetry import get_logger

_log = get_logger(__name__)

TOPICS = "topics"
BROKERS = "brokers"
CLIENTS = "clients"
USERS = "users"
IPS = "ips"
CLIENT_METRICS = "client-metrics"
GROUPS = "groups"
TYPES = (TOPICS, BROKERS, CLIENTS, USERS, IPS, CLIENT_METRICS, GROUPS)
"""Kafka's ConfigType; the last two exist in a KRaft cluster only, and here while 4.x is emulated."""

DEFAULT = "<default>"
"""The entity that stands for all of its type."""

CHANGE_PREFIX = "config_change_"
CHANGE_EXPIRATION_MS = 15 * 60 * 1000

FIRST_WITH_ELIGIBLE_LEADERS = Release(4, 1)
"""From here on a new cluster holds its min.insync.replicas as a cluster-level config (KIP-966)."""

Properties = Mapping[str, str]
Subscriber = Callable[[str, str, Properties], None]

_NONE: Properties = MappingProxyType({})


class DynamicConfigs:
    """The dynamic configs of a cluster as this broker knows them, and the broker's own config with them."""

    def __init__(self, store: MetadataStore, clock: Clock, config: BrokerConfig) -> None:
        self._store = store
        self._clock = clock
        self._static = config
        self._config = config
        self._entities: dict[str, dict[str, Properties]] = {entity_type: {} for entity_type in TYPES}
        self._subscribers: list[Subscriber] = []
        self._seen_ms: dict[str, int] = {}
        self._log_configs: dict[frozenset[tuple[str, str]], LogConfig] = {}
        self.changing = trio.Lock()
        """Held by whoever reads what is set in order to `set` something that depends on it."""

    async def load(self) -> None:
        """Read everything there is. Once, before anything asks."""
        for entity_type in TYPES:
            names = await find_children(self._store, f"{paths.CONFIG}/{entity_type}") or ()
            await self.refresh(entity_type, sorted(names))
        if self._static.release >= FIRST_WITH_ELIGIBLE_LEADERS:
            await self._hold_min_insync_replicas()

    # -- what is set

    @property
    def config(self) -> BrokerConfig:
        """This broker's config with what is set for it at run time."""
        return self._config

    def topic(self, name: str) -> Properties:
        """What a topic overrides."""
        return self.entity(TOPICS, name)

    def broker(self, node_id: int | None) -> Properties:
        """What is set for a broker, or with None for all."""
        return self.entity(BROKERS, DEFAULT if node_id is None else str(node_id))

    def entity(self, entity_type: str, name: str) -> Properties:
        """What is set for anything of TYPES; empty when nothing is."""
        return self._entities[entity_type].get(name, _NONE)

    def names(self, entity_type: str) -> tuple[str, ...]:
        """The entities of a type for which something is set, sorted."""
        return tuple(sorted(self._entities[entity_type]))

    def log_config(self, topic: str) -> LogConfig:
        """The configs of a topic's logs. What is stored and cannot be used is left out, and logged.

        One value for all topics with the same overrides: ten thousand partitions ask for theirs at a start.
        """
        overrides = self.topic(topic)
        key = frozenset(overrides.items())
        config = self._log_configs.get(key)
        if config is None:
            config = self._log_configs[key] = self._new_log_config(topic, overrides)
        return config

    def _new_log_config(self, topic: str, overrides: Properties) -> LogConfig:
        try:
            return log_config_of(self._config, overrides)
        except InvalidConfig as refused:
            _log.error("topic config ignored", topic=topic, reason=str(refused))
            return log_config_of(self._config, _NONE)

    # -- changing

    async def get(self, entity_type: str, name: str) -> dict[str, str]:
        """Read what is set for an entity now; nothing if that cannot be read."""
        path = paths.config(entity_type, name)
        try:
            return decode_entity_config((await self._store.get(path)).data)
        except NoNode:
            return {}
        except (ValueError, TypeError, AttributeError) as malformed:
            _log.error("malformed configs ignored", path=path, reason=repr(malformed))
            return {}

    async def set(self, entity_type: str, name: str, properties: Properties) -> None:
        """Replace all that is set for an entity, here at once and at the other brokers soon."""
        path, data = paths.config(entity_type, name), encode_entity_config(properties)
        notification = json.dumps(
            {"version": 2, "entity_path": f"{entity_type}/{name}"}, separators=(",", ":")
        )
        announce = Create(f"{paths.CONFIG_CHANGES}/{CHANGE_PREFIX}", notification.encode(), sequential=True)
        await self._create_parents(path, announce.path)
        write: Operation = Set(path, data)
        while True:
            try:
                await self._store.commit(write, announce)
                break
            except NoNode:
                write = Create(path, data)
            except NodeExists:
                write = Set(path, data)
        self._take(entity_type, name, properties)

    async def refresh(self, entity_type: str, names: Iterable[str]) -> None:
        """Read some entities again; what changed without a notification is known afterwards."""
        await at_once([partial(self._refresh, entity_type, name) for name in names])

    def forget(self, entity_type: str, name: str) -> None:
        """Know nothing of an entity that is gone, of which no notification comes either."""
        self._take(entity_type, name, {})

    async def _refresh(self, entity_type: str, name: str) -> None:
        self._take(entity_type, name, await self.get(entity_type, name))

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber(type, name, properties)` at every change, `config` having it; returns the undo."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    # -- following the others

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow the changes of all brokers. Started once those up to now are processed."""
        started = False
        async for _ in self._store.changes(paths.CONFIG_CHANGES):
            await self._process_notifications()
            if not started:
                task_status.started()
                started = True

    async def _process_notifications(self) -> None:
        present = await find_children(self._store, paths.CONFIG_CHANGES) or frozenset()
        self._seen_ms = {name: seen for name, seen in self._seen_ms.items() if name in present}
        now_ms = self._clock.now_ms()
        for name in sorted(present):
            path = f"{paths.CONFIG_CHANGES}/{name}"
            if name not in self._seen_ms:
                await self._process_notification(path)
                self._seen_ms[name] = now_ms
            elif now_ms - self._seen_ms[name] > CHANGE_EXPIRATION_MS:
                await self._remove(path)

    async def _process_notification(self, path: str) -> None:
        try:
            data = (await self._store.get(path)).data
            entity_type, _, name = _entity_path(data).partition("/")
        except NoNode:
            return
        except (ValueError, KeyError, TypeError, AttributeError) as malformed:
            _log.error("config change notification ignored", path=path, reason=repr(malformed))
            return
        if entity_type in TYPES and name:
            await self.refresh(entity_type, [name])

    def _take(self, entity_type: str, name: str, properties: Properties) -> None:
        """Remember what is set for an entity, and tell the subscribers if that is news."""
        entities = self._entities[entity_type]
        if entities.get(name, _NONE) == properties:
            return
        if properties:
            entities[name] = MappingProxyType(dict(properties))
        else:
            entities.pop(name, None)
        if entity_type in (BROKERS, TOPICS):
            self._log_configs.clear()
        if entity_type == BROKERS and name in (DEFAULT, str(self._static.node_id)):
            self._reconfigure()
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(entity_type, name, self.entity(entity_type, name))
            except Exception as error:  # noqa: BLE001 - it is set for the whole cluster, which is to go on
                _log.error("config change not taken up", type=entity_type, name=name, exc_info=error)

    def _reconfigure(self) -> None:
        """Make this broker's config anew. What cannot be used is left out, and logged."""
        cluster, ignored = usable(self._static, self.broker(None), per_broker=False)
        own, ignored_here = usable(self._static, self.broker(self._static.node_id), per_broker=True)
        for names, level in ((ignored, DEFAULT), (ignored_here, self._static.node_id)):
            if names:
                _log.error("dynamic configs ignored", broker=level, names=names)
        try:
            self._config = self._static.with_dynamic(dynamic_default=cluster, dynamic_broker=own)
        except InvalidConfig as refused:
            _log.error("dynamic configs could not be applied", reason=str(refused))

    async def _hold_min_insync_replicas(self) -> None:
        name = "min.insync.replicas"
        cluster = self.broker(None)
        if name not in cluster:
            await self.set(BROKERS, DEFAULT, {**cluster, name: str(self._static.int(name))})

    # -- the tree

    async def _create_parents(self, *leaves: str) -> None:
        for leaf in leaves:
            for path in paths.with_parents(leaf)[:-1]:
                if not await self._store.exists(path):
                    try:
                        await self._store.commit(Create(path))
                    except NodeExists:
                        continue

    async def _remove(self, path: str) -> None:
        try:
            await self._store.commit(Delete(path))
        except NoNode:
            return
        except StoreUnavailable as error:
            _log.warn("old notification not removed, trying again after the next one", reason=str(error))


def _entity_path(data: bytes) -> str:
    """What a notification names; version 1, of brokers before 0.10.1, has type and name apart."""
    notification = json.loads(data)
    if notification["version"] == 1:
        return f"{notification['entity_type']}/{notification['entity_name']}"
    path = notification["entity_path"]
    if not isinstance(path, str):
        raise TypeError(path)
    return path
