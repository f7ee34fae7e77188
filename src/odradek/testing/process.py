"""Process: tasks that can be stopped where they are, as SIGSTOP and SIGKILL stop an operating system's.

A task belongs to the process whose task started it (a context variable says so). While a process is frozen
its tasks are not run, whatever they wait for: timers that went off, bytes that came and locks that were
given are seen when it goes on. One that is frozen and never goes on is a killed one: unlike cancellation,
that runs no `finally`.

trio has nothing of the kind. Its queue of runnable tasks is replaced by one that keeps those of frozen
processes back: a private part of trio, used here, in `machine` and in `timeline` only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TypeVarTuple, Unpack

import trio
from trio.lowlevel import Task

ArgsT = TypeVarTuple("ArgsT")

_process: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """A group of tasks; owned by whoever freezes it, who must not be one of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._is_frozen = False
        self._held: list[Task] = []

    @property
    def is_frozen(self) -> bool:
        return self._is_frozen

    def start_soon(
        self,
        nursery: trio.Nursery,
        run: Callable[[Unpack[ArgsT]], Awaitable[object]],
        *args: *ArgsT,
    ) -> None:
        """Start a task of this process, whoever asks for it."""
        context = copy_context()
        context.run(_process.set, self)
        context.run(partial(nursery.start_soon, run, *args))

    def freeze(self) -> None:
        """From the next round of trio's loop on, no task of this process runs."""
        queue = _run_queue()
        self._is_frozen = True
        for task in [task for task in queue if task.context.get(_process) is self]:
            queue.remove(task)
            self._held.append(task)

    def thaw(self) -> None:
        """Go on; what became of time and of the world meanwhile is seen all at once."""
        self._is_frozen = False
        held, self._held = self._held, []
        _run_queue().extend(held)

    def hold(self, task: Task) -> None:
        """Keep a task back that could run."""
        self._held.append(task)


def current_process() -> Process | None:
    """The process of the task that asks."""
    return _process.get()


class _RunQueue(deque[Task]):
    """trio's queue of tasks to run in the next round, without those of frozen processes."""

    def append(self, task: Task) -> None:
        process = task.context.get(_process)
        if process is None or not process.is_frozen:
            super().append(task)
        else:
            process.hold(task)


def _run_queue() -> _RunQueue:
    runner = trio._core._run.GLOBAL_RUN_CONTEXT.runner
    if not isinstance(runner.runq, _RunQueue):
        runner.runq = _RunQueue(runner.runq)
    return runner.runq
