"""Tasks of a frozen process do not run, and see everything when they go on."""

from collections.abc import Awaitable, Callable

import trio

from odradek.testing.process import Process
from odradek.testing.timeline import Timeline


def run(main: Callable[[], Awaitable[list[str]]]) -> list[str]:
    return trio.run(main, clock=Timeline())


def test_a_frozen_process_does_nothing_and_its_timers_are_late() -> None:
    async def main() -> list[str]:
        said: list[str] = []

        async def tick() -> None:
            for _ in range(3):
                await trio.sleep(1)
                said.append(f"tick at {trio.current_time():g}")

        process = Process("ticker")
        async with trio.open_nursery() as nursery:
            process.start_soon(nursery, tick)
            await trio.sleep(1.5)
            process.freeze()
            await trio.sleep(10)
            said.append("thaw")
            process.thaw()
        return said

    assert run(main) == ["tick at 1", "thaw", "tick at 11.5", "tick at 12.5"]


def test_children_of_its_tasks_belong_to_it_and_others_do_not() -> None:
    async def main() -> list[str]:
        said: list[str] = []

        async def say(what: str) -> None:
            await trio.sleep(1)
            said.append(what)

        async def parent() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(say, "child")

        process = Process("family")
        with trio.move_on_after(100):
            async with trio.open_nursery() as nursery:
                process.start_soon(nursery, parent)
                nursery.start_soon(say, "stranger")
                await trio.sleep(0.5)
                process.freeze()
                await trio.sleep(5)
                said.append("thaw")
                process.thaw()
        return said

    assert run(main) == ["stranger", "thaw", "child"]


def test_what_is_never_thawed_runs_no_finally() -> None:
    async def main() -> list[str]:
        said: list[str] = []
        scope = trio.CancelScope()

        async def victim() -> None:
            with scope:
                try:
                    await trio.sleep(1)
                finally:
                    said.append("finally")

        process = Process("victim")
        async with trio.open_nursery() as nursery:
            process.start_soon(nursery, victim)
            await trio.sleep(0.5)
            process.freeze()
            scope.cancel()
            await trio.sleep(10)
            said.append("long dead")
            process.thaw()
        return said

    assert run(main) == ["long dead", "finally"]
