"""Sessions that are cut, paused and expired, as a broker's store sees them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import pytest
import trio

from odradek.coordination.store import Create, NoNode, SessionExpired, Set, StoreUnavailable
from odradek.testing.ensemble import Ensemble
from odradek.testing.timeline import Timeline
from odradek.testing.trace import Trace

T = TypeVar("T")

TIMEOUT_S = 6


def run(main: Callable[[Ensemble], Awaitable[T]]) -> T:
    timeline = Timeline()
    ensemble = Ensemble(timeline, "seed", Trace(), session_timeout_ms=TIMEOUT_S * 1000)
    return trio.run(partial(main, ensemble), clock=timeline)


def test_what_one_session_writes_another_reads_and_is_told_of() -> None:
    async def main(ensemble: Ensemble) -> tuple[bytes, int]:
        one, two = ensemble.session("one"), ensemble.session("two")
        changes = two.changes("/node")
        assert await anext(changes) == {"/node"}
        await one.commit(Create("/node", b"first"))
        assert await anext(changes) == {"/node"}
        await one.commit(Set("/node", b"second"))
        node = await two.get("/node")
        return node.data, node.version

    assert run(main) == (b"second", 1)


def test_a_cut_session_waits_and_goes_on() -> None:
    async def main(ensemble: Ensemble) -> tuple[float, bool]:
        session = ensemble.session("broker")
        await session.commit(Create("/mine", b"", ephemeral=True))
        session.lose_touch("cut")
        ensemble.timeline.after(3, partial(session.regain_touch, "cut"))
        started = trio.current_time()
        await session.get("/mine")
        return round(trio.current_time() - started), session.is_open

    assert run(main) == (3, True)


def test_a_session_that_is_cut_for_too_long_is_over_and_can_be_renewed() -> None:
    async def main(ensemble: Ensemble) -> None:
        session, other = ensemble.session("broker"), ensemble.session("other")
        await session.commit(Create("/mine", b"", ephemeral=True))
        changes = session.changes("/other")
        await anext(changes)
        session.lose_touch("cut")
        await trio.sleep(TIMEOUT_S - 1)
        assert await other.exists("/mine")
        await trio.sleep(2)
        assert not await other.exists("/mine")
        session.regain_touch("cut")
        with pytest.raises(SessionExpired):
            await anext(changes)
        with pytest.raises(SessionExpired):
            await session.get("/")
        await session.renew()
        await session.commit(Create("/mine", b"", ephemeral=True))
        assert await other.exists("/mine")

    run(main)


def test_short_absences_do_not_add_up() -> None:
    async def main(ensemble: Ensemble) -> bool:
        session = ensemble.session("broker")
        for _ in range(4):
            session.lose_touch("cut")
            await trio.sleep(TIMEOUT_S / 2)
            session.regain_touch("cut")
            await trio.sleep(1)
        return session.is_open

    assert run(main)


def test_a_paused_owner_loses_its_session_and_a_killed_one_too() -> None:
    async def main(ensemble: Ensemble) -> tuple[bool, bool]:
        paused, killed = ensemble.session("paused"), ensemble.session("killed")
        paused.pause()
        killed.kill()
        await trio.sleep(TIMEOUT_S + 1)
        return paused.is_open, killed.is_open

    assert run(main) == (False, False)


def test_nobody_expires_while_the_ensemble_is_away() -> None:
    async def main(ensemble: Ensemble) -> tuple[bool, bool]:
        alive, dead = ensemble.session("alive"), ensemble.session("dead")
        dead.kill()
        ensemble.go_away()
        await trio.sleep(TIMEOUT_S * 3)
        assert dead.is_open
        ensemble.come_back()
        await trio.sleep(TIMEOUT_S * 2)
        return alive.is_open, dead.is_open

    assert run(main) == (True, False)


def test_a_commit_whose_answer_is_lost_happened_once_or_is_not_known_to_have() -> None:
    async def main(ensemble: Ensemble) -> set[str]:
        outcomes = set()
        for number in range(60):
            session = ensemble.session(f"broker-{number}")
            ensemble.timeline.after(0.0045, partial(session.lose_touch, "cut"))
            ensemble.timeline.after(1, partial(session.regain_touch, "cut"))
            path = f"/node-{number}"
            try:
                (result,) = await session.commit(Create(path, b""))
            except StoreUnavailable:
                outcomes.add("unknown")
                await trio.sleep(2)
                assert await session.exists(path)
            else:
                outcomes.add("repeated" if trio.current_time() % 10 > 0.5 else "quick")
                assert result.path == path
                assert (await session.get(path)).version == 0
            await trio.sleep(10 - trio.current_time() % 10)
        return outcomes

    assert run(main) == {"unknown", "repeated", "quick"}


def test_an_administrator_commits_at_once() -> None:
    async def main(ensemble: Ensemble) -> bytes:
        session = ensemble.session("broker")
        with pytest.raises(NoNode):
            await session.get("/node")
        ensemble.administer(Create("/node", b"x"))
        return (await session.get("/node")).data

    assert run(main) == b"x"
