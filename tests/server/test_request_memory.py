"""The pool lets one request over its edge, and the next wait."""

import trio
import trio.testing

from odradek.server.request_memory import RequestMemory


async def test_a_request_larger_than_what_is_left_is_let_in_and_the_next_waits() -> None:
    memory = RequestMemory(100)
    await memory.reserve(60)
    await memory.reserve(500)
    order: list[str] = []

    async def next_one() -> None:
        await memory.reserve(1)
        order.append("reserved")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(next_one)
        await trio.testing.wait_all_tasks_blocked()
        memory.release(60)
        await trio.testing.wait_all_tasks_blocked()
        order.append("released")
        memory.release(500)
    assert order == ["released", "reserved"]


async def test_without_a_capacity_nobody_waits() -> None:
    memory = RequestMemory(-1)
    assert not memory.bounded
    await memory.reserve(1 << 40)
    await memory.reserve(1 << 40)
