"""Who may connect, who waits, who is turned away."""

import pytest
import trio
import trio.testing

from odradek.server.connection_quotas import ConnectionLimits, ConnectionQuotas, TooManyConnections


def quotas(limits: ConnectionLimits, *listeners: str) -> ConnectionQuotas:
    return ConnectionQuotas(limits, listeners or ("PLAINTEXT",), listeners[0] if listeners else "PLAINTEXT")


def test_an_address_may_have_its_share() -> None:
    counted = quotas(ConnectionLimits(address=2))
    counted.add("PLAINTEXT", "/1.1.1.1")
    counted.add("PLAINTEXT", "/1.1.1.1")
    with pytest.raises(TooManyConnections) as refused:
        counted.add("PLAINTEXT", "/1.1.1.1")
    assert str(refused.value) == (
        "Rejected connection from /1.1.1.1, address already has the configured maximum of 2 connections."
    )
    counted.add("PLAINTEXT", "/2.2.2.2")
    counted.remove("PLAINTEXT", "/1.1.1.1")
    counted.add("PLAINTEXT", "/1.1.1.1")
    assert counted.count == 3


def test_an_address_of_its_own_limit() -> None:
    counted = quotas(ConnectionLimits(address=5, addresses={"/1.1.1.1": 0}))
    with pytest.raises(TooManyConnections):
        counted.add("PLAINTEXT", "/1.1.1.1")
    counted.add("PLAINTEXT", "/2.2.2.2")


async def waits(counted: ConnectionQuotas, listener: str) -> bool:
    with trio.move_on_after(1) as scope:
        await counted.wait_slot(listener)
    return scope.cancelled_caught


async def test_a_full_broker_lets_the_next_wait(autojump_clock: trio.testing.MockClock) -> None:
    counted = quotas(ConnectionLimits(broker=1))
    assert not await waits(counted, "PLAINTEXT")
    counted.add("PLAINTEXT", "/1.1.1.1")
    assert await waits(counted, "PLAINTEXT")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(counted.wait_slot, "PLAINTEXT")
        await trio.testing.wait_all_tasks_blocked()
        counted.remove("PLAINTEXT", "/1.1.1.1")


async def test_a_full_listener_does_not_hinder_another(autojump_clock: trio.testing.MockClock) -> None:
    counted = quotas(ConnectionLimits(listeners={"B": 1}), "A", "B")
    counted.add("B", "/1.1.1.1")
    assert await waits(counted, "B")
    assert not await waits(counted, "A")


async def test_brokers_among_themselves_are_not_kept_out(autojump_clock: trio.testing.MockClock) -> None:
    counted = quotas(ConnectionLimits(broker=1), "BROKERS", "CLIENTS")
    counted.add("CLIENTS", "/1.1.1.1")
    assert not await waits(counted, "BROKERS")
    assert await waits(counted, "CLIENTS")
    assert not counted.exceeded("CLIENTS")
    counted.add("BROKERS", "/2.2.2.2")
    assert counted.exceeded("CLIENTS"), "a client has to make room"
    assert not counted.exceeded("BROKERS")


async def test_a_raised_limit_lets_the_waiting_in() -> None:
    counted = quotas(ConnectionLimits(broker=0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(counted.wait_slot, "PLAINTEXT")
        await trio.testing.wait_all_tasks_blocked()
        counted.change(ConnectionLimits(broker=1))


async def test_connections_that_come_too_fast_wait(autojump_clock: trio.testing.MockClock) -> None:
    counted = quotas(ConnectionLimits(broker_rate=1, listener_rates={"B": 5}), "A", "B", "C")
    for _ in range(10):
        await counted.wait_slot("C")
    assert trio.current_time() == 0
    await counted.wait_slot("C")
    assert trio.current_time() == pytest.approx(1)
    await counted.wait_slot("B")
    assert trio.current_time() == pytest.approx(2)
    counted.change(ConnectionLimits())
    for _ in range(100):
        await counted.wait_slot("C")
    assert trio.current_time() == pytest.approx(2)


async def test_a_listener_has_a_rate_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    counted = quotas(ConnectionLimits(listener_rates={"B": 1}), "A", "B", "C")
    for _ in range(10):
        await counted.wait_slot("B")
    for _ in range(50):
        await counted.wait_slot("C")
    assert trio.current_time() == 0
    await counted.wait_slot("B")
    assert trio.current_time() == pytest.approx(1)


async def test_brokers_among_themselves_connect_as_fast_as_they_like(
    autojump_clock: trio.testing.MockClock,
) -> None:
    counted = quotas(ConnectionLimits(broker_rate=1), "A", "B")
    for _ in range(100):
        await counted.wait_slot("A")
    for _ in range(10):
        await counted.wait_slot("B")
    assert trio.current_time() == 0
