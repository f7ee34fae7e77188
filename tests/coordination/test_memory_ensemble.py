"""What only the ensemble in memory promises: sessions that are cut off, and ended from outside."""

from __future__ import annotations

import pytest
import trio

from odradek.coordination.memory_ensemble import MemoryEnsemble
from odradek.coordination.store import Create, NoNode, SessionExpired, Set


async def test_an_expired_session_loses_its_nodes_and_is_over_until_renewed(autojump_clock):
    ensemble = MemoryEnsemble()
    broker, other = ensemble.session(), ensemble.session()
    await broker.commit(Create("/id", ephemeral=True))
    first = (await broker.get("/id")).czxid
    changes = broker.changes("/id")
    await anext(changes)
    await broker.expire()
    assert not await other.exists("/id")
    assert await anext(changes) == {"/id"}
    with pytest.raises(SessionExpired):
        await anext(changes)
    with pytest.raises(SessionExpired):
        await broker.exists("/id")
    await broker.renew()
    await broker.commit(Create("/id", ephemeral=True))
    assert (await other.get("/id")).czxid > first


async def test_one_that_is_cut_off_waits_and_is_then_told(autojump_clock):
    ensemble = MemoryEnsemble()
    broker, other = ensemble.session(), ensemble.session()
    await other.commit(Create("/n", b"1"))
    changes = broker.changes("/n")
    await anext(changes)
    broker.cut()
    await other.commit(Set("/n", b"2"))
    with trio.move_on_after(3600) as waiting:
        await broker.get("/n")
    assert waiting.cancelled_caught
    with trio.move_on_after(3600) as waiting:
        await anext(changes)
    assert waiting.cancelled_caught
    broker.restore()
    assert await anext(changes) == {"/n"}
    assert (await broker.get("/n")).data == b"2"


async def test_one_that_is_cut_off_learns_of_its_end_afterwards(autojump_clock):
    ensemble = MemoryEnsemble()
    broker, other = ensemble.session(), ensemble.session()
    await broker.commit(Create("/id", ephemeral=True))
    changes = broker.changes()
    broker.cut()
    await broker.expire()
    with pytest.raises(NoNode):
        await other.get("/id")
    with trio.move_on_after(3600) as waiting:
        await anext(changes)
    assert waiting.cancelled_caught
    broker.restore()
    with pytest.raises(SessionExpired):
        await anext(changes)


async def test_a_session_is_renewed_only_when_connected(autojump_clock):
    broker = MemoryEnsemble().session()
    await broker.expire()
    broker.cut()
    with trio.move_on_after(3600) as waiting:
        await broker.renew()
    assert waiting.cancelled_caught
    broker.restore()
    await broker.renew()
    assert not await broker.exists("/id")
