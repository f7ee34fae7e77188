"""Perseverance: what a broker needs the store for is done again until the store does it.

A store that fails for a moment must cost no broker its life, wherever it was asked: Kafka's broker goes on as
well. So whatever a broker does with the store by itself, rather than for a client who can be told, begins by
reading what it needs, can therefore be begun again, and is run by `persevere`. The end of a session is
another matter, for whoever can open the next one, as `through_sessions` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

import trio

from odradek.coordination.store import Ensemble, MetadataStore, SessionExpired, StoreError
from odradek.telemetry import get_logger

_log = get_logger(__name__)

RETRY_SECONDS = 1.0
"""How long to leave a store that fails alone."""

T = TypeVar("T")


async def persevere(call: Callable[[], Awaitable[T]]) -> T:
    """What `call` returns, which is called again whenever it raises a StoreError. Raises SessionExpired.

    `call` may end with an exception group that holds such errors. One line is logged however often it fails,
    and one more when it has come to something.
    """
    failures = 0
    while True:
        try:
            result = await call()
        except SessionExpired:
            raise
        except StoreError as error:
            failure: BaseException = error
        except BaseExceptionGroup as group:
            of_store, others = group.split(_is_failure)
            if of_store is None:
                raise
            if others is not None:
                raise others from None
            failure = _first(of_store)
        else:
            if failures:
                _log.info("metadata store works again", failures=failures)
            return result
        if not failures:
            reason = repr(failure.__cause__ or failure)
            _log.error("metadata store failed, trying again", at=str(failure), reason=reason)
        failures += 1
        await trio.sleep(RETRY_SECONDS)


class _Task(Protocol):
    """A task of a session that says when it has started."""

    async def __call__(self, *, task_status: trio.TaskStatus[None]) -> None: ...


class _FirstStart:
    """A task's status for all the times that it is run."""

    def __init__(self, task_status: trio.TaskStatus[None]) -> None:
        self._task_status = task_status
        self._has_started = False

    def started(self, value: None = None) -> None:
        if not self._has_started:
            self._has_started = True
            self._task_status.started(value)


async def persevere_with(task: _Task, *, task_status: trio.TaskStatus[None]) -> None:
    """Run a task of a session whatever the store does. Raises SessionExpired."""
    await persevere(partial(task, task_status=_FirstStart(task_status)))


async def through_sessions(store: MetadataStore, call: Callable[[], Awaitable[T]]) -> T:
    """What comes of a call that needs the store, in this session or, if that ends meanwhile, in another."""
    while True:
        try:
            return await persevere(call)
        except SessionExpired:
            if not isinstance(store, Ensemble):
                raise
            await store.renew()


def _is_failure(error: BaseException) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, SessionExpired)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
