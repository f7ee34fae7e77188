"""Time passes only when nobody can run, and actions happen in its order."""

import pytest
import trio

from odradek.testing.machine import Machine, StandsStill
from odradek.testing.timeline import Timeline


def test_a_sleep_takes_no_time_and_ends_when_it_should() -> None:
    async def main() -> tuple[float, float]:
        before = trio.current_time()
        await trio.sleep(3600)
        return before, trio.current_time()

    assert trio.run(main, clock=Timeline()) == (0, 3600)


def test_actions_happen_in_order_and_between_tasks() -> None:
    timeline = Timeline()
    seen: list[tuple[float, str]] = []

    def note(what: str) -> None:
        seen.append((trio.current_time(), what))

    async def main() -> None:
        timeline.after(2, lambda: note("second"))
        timeline.after(1, lambda: note("first"))
        timeline.after(2, lambda: note("third"))
        await trio.sleep(1.5)
        note("task")
        await trio.sleep(10)

    trio.run(main, clock=timeline)
    assert seen == [(1, "first"), (1.5, "task"), (2, "second"), (2, "third")]


def test_an_action_wakes_a_task() -> None:
    timeline = Timeline()

    async def main() -> float:
        arrived = trio.Event()
        timeline.after(5, arrived.set)
        await arrived.wait()
        return trio.current_time()

    assert trio.run(main, clock=timeline) == 5


def test_tasks_that_wait_for_each_other_are_an_error() -> None:
    with pytest.raises(StandsStill):
        Machine(1).run(trio.sleep_forever)
