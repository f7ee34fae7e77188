"""Requests about many things at once: whoever sends one lets others have turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import trio

Asked = TypeVar("Asked")
Told = TypeVar("Told")


async def each_in_turn(asked: Iterable[Asked], answer: Callable[[Asked], Awaitable[Told]]) -> list[Told]:
    """The answer for each, in their order, with a checkpoint between two: many are no single step.

    A group's offsets or a broker's configs take milliseconds, and a request of 100 kB may repeat them ten
    thousand times.
    """
    answers: list[Told] = []
    for each in asked:
        if answers:
            await trio.lowlevel.checkpoint()
        answers.append(await answer(each))
    return answers
