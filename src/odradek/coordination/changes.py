"""A subscription to paths: flags that many may raise and one reader lowers.

Stores return it from `changes()`. It carries no event, because an event is stale as soon as it is read; the
reader re-reads the tree instead, and so a wake too many costs a read and a lost one cannot be. One
subscription holds any number of paths, so that a controller of thousands of topics needs one task.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from odradek.coordination.store import StoreError


class Changes:
    """The async iterator of one reader, over the paths that may have changed since it last looked.

    Owned by the trio thread. `watch` is the store's: it has the store call `mark_dirty` with the path.
    """

    __slots__ = ("__weakref__", "_dirty", "_error", "_is_woken", "_paths", "_wake", "_watch")

    def __init__(self, watch: Callable[[str, Changes], None]) -> None:
        self._watch = watch
        self._paths: set[str] = set()
        self._dirty: set[str] = set()
        self._error: StoreError | None = None
        self._is_woken = False
        self._wake = trio.Event()

    def add(self, path: str) -> None:
        """Watch one more path; it is dirty at once, for its reader has not read it yet."""
        if path not in self._paths:
            self.follow(path)
            self.mark_dirty(path)

    def follow(self, path: str) -> None:
        """Watch one more path that the reader is about to read, so that it is dirty only when it changes."""
        if path not in self._paths:
            self._paths.add(path)
            self._watch(path, self)

    def discard(self, path: str) -> None:
        """Hear no more of a path; a store may learn of that only at its next change."""
        self._paths.discard(path)
        self._dirty.discard(path)

    def mark_dirty(self, path: str) -> bool:
        """Note that the path may have changed and wake the reader; False if nobody here watches it."""
        if path not in self._paths:
            return False
        self._dirty.add(path)
        self._wake.set()
        return True

    def wake(self) -> None:
        """Have the reader look up from the tree: it gets the dirty paths, even if there are none."""
        self._is_woken = True
        self._wake.set()

    def fail(self, error: StoreError) -> None:
        """End the iteration: the reader gets this error once nothing is dirty any more."""
        self._error = error
        self._wake.set()

    def __aiter__(self) -> Changes:
        return self

    async def __anext__(self) -> frozenset[str]:
        await trio.lowlevel.checkpoint()
        while not self._dirty and not self._is_woken:
            if self._error is not None:
                raise self._error
            self._wake = trio.Event()
            await self._wake.wait()
        self._is_woken = False
        dirty, self._dirty = frozenset(self._dirty), set()
        return dirty
