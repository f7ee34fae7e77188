"""Whom a broker may be beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from odradek.broker.company import check_company
from odradek.broker.identity import CannotStart
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.embedded import EmbeddedStore
from odradek.coordination.store import Create
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration, Endpoint


@asynccontextmanager
async def beside(port: int, *, is_odradek: bool) -> AsyncIterator[EmbeddedStore]:
    """A tree in which broker 7 is registered with this port."""
    endpoint = Endpoint("localhost", port, "PLAINTEXT", "PLAINTEXT")
    other = BrokerRegistration((endpoint,), 0, is_odradek=is_odradek)
    async with EmbeddedStore() as store:
        await store.commit(
            Create(paths.BROKERS), Create(paths.BROKER_IDS), Create(paths.broker_id(7), other.encode())
        )
        yield store


def config(port: int, release: str = "3.9", **properties: str) -> BrokerConfig:
    ids = {"node.id": "1", "odradek.emulate": release, "zookeeper.connect": "localhost:1"}
    ids |= {name.replace("_", "."): value for name, value in properties.items()}
    return BrokerConfig({**ids, "listeners": f"PLAINTEXT://localhost:{port}"})


async def test_an_address_is_taken_by_one_broker_only() -> None:
    async with beside(9092, is_odradek=True) as store:
        reason = (
            "Configured end points localhost:9092 in advertised listeners are already registered by broker 7"
        )
        with pytest.raises(CannotStart, match=reason):
            await check_company(store, 1, config(9092))
        await check_company(store, 7, config(9092))
        await check_company(store, 1, config(9093))


async def test_a_port_that_is_left_open_is_nobodys() -> None:
    async with beside(0, is_odradek=True) as store:
        await check_company(store, 1, config(0))


async def test_no_release_without_zookeeper_is_emulated_beside_a_real_kafka() -> None:
    async with beside(9092, is_odradek=False) as store:
        await check_company(store, 1, config(9093))
        with pytest.raises(CannotStart, match=r"broker 7 in zookeeper\.connect is a real Kafka"):
            await check_company(store, 1, config(9093, "4.3"))
    async with beside(9092, is_odradek=True) as store:
        await check_company(store, 1, config(9093, "4.3"))


async def test_beside_a_real_kafka_brokers_speak_as_they_do_since_3_0() -> None:
    async with beside(9092, is_odradek=False) as store:
        await check_company(store, 1, config(9093, inter_broker_protocol_version="3.0"))
        with pytest.raises(CannotStart, match=r"version is 2\.8, but .* 3\.0-IV0 and later"):
            await check_company(store, 1, config(9093, inter_broker_protocol_version="2.8"))
    async with beside(9092, is_odradek=True) as store:
        await check_company(store, 1, config(9093, inter_broker_protocol_version="2.8"))
