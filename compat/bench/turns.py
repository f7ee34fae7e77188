"""Taking turns: who is measured when. A broker that was first in one round is last in the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from compat.bench.brokers import Contestant, Kind
from compat.bench.figures import Scores
from compat.bench.plan import Plan

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a part of the benchmark works with; `tell` shows a line of progress."""

    plan: Plan
    kinds: Sequence[Kind]
    tell: Callable[[str], None]
    loads: Sequence[str] = ()
    """How the names of the loads begin that are wanted of a part; empty: all."""

    def wants(self, load: str) -> bool:
        return not self.loads or load.startswith(tuple(self.loads))


class Part(Protocol):
    """One part of the benchmark."""

    def __call__(self, stage: Stage) -> Scores: ...


@contextmanager
def all_alive(stage: Stage) -> Iterator[list[Contestant]]:
    """Every broker, started and left running until the end of the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(kind.make()) for kind in stage.kinds]


def warm_rounds(stage: Stage, what: str, load: Callable[[Contestant, Scores], None]) -> Scores:
    """All rounds of a load on brokers that stay up; what the first round scores warms up and is forgotten."""
    scores = Scores()
    with all_alive(stage) as brokers:
        for number in range(stage.plan.rounds + 1):
            for broker in rotated(brokers, number):
                began = time.perf_counter()
                load(broker, scores if number else Scores())
                spent = time.perf_counter() - began
                stage.tell(f"{what} {number}/{stage.plan.rounds}: {broker.name} {spent:.1f} s")
    return scores


def fresh_rounds(
    stage: Stage, what: str, load: Callable[[Contestant, Scores], None], *, warm_up: bool = True
) -> Scores:
    """All rounds with a broker of its own for each measurement; one before them fills the page cache."""
    scores = Scores()
    for number in range(0 if warm_up else 1, stage.plan.rounds + 1):
        for kind in rotated(stage.kinds, number):
            with kind.make() as broker:
                began = time.perf_counter()
                load(broker, scores if number else Scores())
                spent = broker.ready_seconds + time.perf_counter() - began
                stage.tell(f"{what} {number}/{stage.plan.rounds}: {broker.name} {spent:.1f} s")
    return scores


def rotated(them: Sequence[_T], number: int) -> list[_T]:
    """Everybody, beginning with the `number`-th."""
    start = number % len(them)
    return [*them[start:], *them[:start]]
