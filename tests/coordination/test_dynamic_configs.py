import json
from collections.abc import Mapping

import pytest
import trio
import trio.testing

from odradek.clock import VirtualClock
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.dynamic_configs import CHANGE_EXPIRATION_MS, DynamicConfigs
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create, Delete, Operation, Result, Set, StoreUnavailable
from odradek.coordination.tree_session import TreeSession
from odradek.errors import InvalidConfig


class FullStore:
    """A store that takes nothing more."""

    def __init__(self, store: TreeSession) -> None:
        self.get, self.children, self.exists = store.get, store.children, store.exists

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        raise StoreUnavailable(operations[0].path)


def cannot(entity_type: str, name: str, properties: Mapping[str, str]) -> None:
    raise InvalidConfig(name, properties, "something that can be used")


async def configs_over(store: TreeSession, **properties: str) -> DynamicConfigs:
    config = BrokerConfig({name.replace("_", "."): text for name, text in properties.items()})
    configs = DynamicConfigs(store, VirtualClock(), config)
    await configs.load()
    return configs


async def test_nodes_and_notifications_are_written_as_kafka_writes_them(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store)
        await configs.set("topics", "t", {"retention.ms": "5"})
        assert (await store.get("/config/topics/t")).data == b'{"version":1,"config":{"retention.ms":"5"}}'
        notification = await store.get("/config/changes/config_change_0000000000")
        assert notification.data == b'{"version":2,"entity_path":"topics/t"}'


async def test_what_is_set_is_known_at_once_and_after_a_restart(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store)
        await configs.set("topics", "t", {"retention.ms": "5"})
        assert configs.topic("t") == {"retention.ms": "5"}
        assert configs.log_config("t").retention_ms == 5
        again = await configs_over(store)
        assert again.topic("t") == {"retention.ms": "5"}
        assert again.names("topics") == ("t",)
        await configs.set("topics", "t", {})
        assert configs.topic("t") == {}
        assert await configs.get("topics", "t") == {}


async def test_subscribers_hear_of_changes_and_of_nothing_else(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store)
        heard: list[tuple[str, str, dict[str, str]]] = []
        undo = configs.subscribe(lambda *change: heard.append((change[0], change[1], dict(change[2]))))
        await configs.set("topics", "t", {"a": "1"})
        await configs.set("topics", "t", {"a": "1"})
        await configs.set("topics", "t", {})
        undo()
        await configs.set("topics", "t", {"a": "2"})
    assert heard == [("topics", "t", {"a": "1"}), ("topics", "t", {})]


async def test_this_brokers_config_changes_with_its_own_and_the_clusters(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store, broker_id="7")
        await configs.set("brokers", "<default>", {"log.retention.ms": "1", "num.io.threads": "9"})
        await configs.set("brokers", "7", {"log.retention.ms": "2"})
        await configs.set("brokers", "8", {"num.io.threads": "4"})
        assert configs.config.int("log.retention.ms") == 2
        assert configs.config.int("num.io.threads") == 9
        assert configs.log_config("t").retention_ms == 2


async def test_what_a_broker_cannot_use_is_ignored(autojump_clock):
    async with EmbeddedStore() as store:
        await store.commit(Create("/config"), Create("/config/brokers"), Create("/config/topics"))
        broken = {"num.io.threads": "x", "log.dirs": "a", "log.retention.ms": "5", "listeners": "SSL://:1"}
        await store.commit(
            Create("/config/brokers/<default>", json.dumps({"version": 1, "config": broken}).encode()),
            Create("/config/topics/t", b'{"version":1,"config":{"retention.ms":"long"}}'),
        )
        configs = await configs_over(store)
        assert dict(configs.config.dynamic_default) == {"log.retention.ms": "5"}
        assert configs.log_config("t").retention_ms == 5


async def test_another_brokers_change_arrives(autojump_clock):
    async with EmbeddedStore() as store, store.another_session() as theirs, trio.open_nursery() as nursery:
        ours, others = await configs_over(store), await configs_over(theirs)
        heard = trio.Event()
        ours.subscribe(lambda *_: heard.set())
        await nursery.start(ours.run)
        await others.set("brokers", "<default>", {"log.retention.ms": "5"})
        await heard.wait()
        assert ours.config.int("log.retention.ms") == 5
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("data", [b"", b"no", b"[]", b'{"version":2}', b'{"version":2,"entity_path":5}'])
async def test_a_malformed_notification_stops_nothing(autojump_clock, data):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs = await configs_over(store)
        await configs.set("topics", "other", {})
        await store.commit(Create("/config/changes/config_change_", data, sequential=True))
        await nursery.start(configs.run)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("data", [b"no", b"[]", b'{"version":1,"config":5}', b"\xff"])
async def test_malformed_configs_are_none(autojump_clock, data):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs = await configs_over(store)
        await nursery.start(configs.run)
        await configs.set("topics", "t", {"a": "1"})
        await configs.set("topics", "u", {"a": "1"})
        await store.commit(
            Set("/config/topics/t", data),
            Create(
                "/config/changes/config_change_", b'{"version":2,"entity_path":"topics/t"}', sequential=True
            ),
        )
        await trio.testing.wait_all_tasks_blocked()
        assert configs.names("topics") == ("u",)
        assert (await configs_over(store)).names("topics") == ("u",)
        nursery.cancel_scope.cancel()


async def test_who_cannot_use_a_change_keeps_nobody_else_from_hearing_of_it(autojump_clock):
    """A host that cannot be resolved, in max.connections.per.ip.overrides, ended every broker."""
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs = await configs_over(store)
        await nursery.start(configs.run)
        heard: list[str] = []
        configs.subscribe(cannot)
        configs.subscribe(lambda _, name, properties: heard.append(name))
        others = await configs_over(store)
        await others.set("topics", "t", {"a": "1"})
        await trio.testing.wait_all_tasks_blocked()
        assert heard == ["t"]
        nursery.cancel_scope.cancel()


async def test_a_full_disk_leaves_old_notifications_for_later(autojump_clock, monkeypatch):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs, others = await configs_over(store), await configs_over(store)
        await others.set("topics", "t", {"a": "1"})
        await nursery.start(configs.run)
        await trio.sleep(CHANGE_EXPIRATION_MS / 1000 + 1)
        with monkeypatch.context() as full:
            full.setattr(configs, "_store", FullStore(store))
            await others.set("topics", "t", {"a": "2"})
            await trio.testing.wait_all_tasks_blocked()
        await others.set("topics", "t", {"a": "3"})
        await trio.testing.wait_all_tasks_blocked()
        assert configs.topic("t") == {"a": "3"}
        assert len(await store.children("/config/changes")) == 2
        nursery.cancel_scope.cancel()


async def test_notifications_of_the_first_version_are_understood(autojump_clock):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs = await configs_over(store)
        await configs.set("topics", "other", {})
        await store.commit(Create("/config/topics/t", b'{"version":1,"config":{"retention.ms":"5"}}'))
        change = b'{"version":1,"entity_type":"topics","entity_name":"t"}'
        await store.commit(Create("/config/changes/config_change_", change, sequential=True))
        await nursery.start(configs.run)
        assert configs.topic("t") == {"retention.ms": "5"}
        nursery.cancel_scope.cancel()


async def test_old_notifications_are_removed(autojump_clock):
    async with EmbeddedStore() as store, trio.open_nursery() as nursery:
        configs = await configs_over(store)
        await configs.set("topics", "t", {"a": "1"})
        await nursery.start(configs.run)
        await trio.sleep(CHANGE_EXPIRATION_MS / 1000 + 1)
        heard = trio.Event()
        configs.subscribe(lambda *_: heard.set())
        await configs.set("topics", "t", {"a": "2"})
        await heard.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert await store.children("/config/changes") == {"config_change_0000000001"}
        nursery.cancel_scope.cancel()


async def test_a_deleted_and_recreated_topic_is_refreshed(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store)
        await configs.set("topics", "t", {"retention.ms": "5"})
        await store.commit(Delete("/config/topics/t"))
        await configs.refresh("topics", ["t"])
        assert configs.topic("t") == {}


async def test_a_cluster_of_4_1_holds_its_min_insync_replicas(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store, odradek_emulate="4.1")
        assert configs.broker(None) == {"min.insync.replicas": "1"}
    async with EmbeddedStore() as store:
        assert (await configs_over(store)).broker(None) == {}


async def test_topics_with_the_same_overrides_share_their_log_config(autojump_clock):
    async with EmbeddedStore() as store:
        configs = await configs_over(store)
        await configs.set("topics", "t", {"retention.ms": "5"})
        await configs.set("topics", "u", {"retention.ms": "5"})
        assert configs.log_config("t") is configs.log_config("u")
        assert configs.log_config("t") is not configs.log_config("v")
        await configs.set("brokers", "<default>", {"log.segment.bytes": "1000000"})
        assert configs.log_config("t").segment_bytes == 1000000
