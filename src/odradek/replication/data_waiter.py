"""DataWaiter: one long poll that waits for data in any of several partitions; and those of one partition.

Nothing polls and nothing is parked elsewhere: a partition tells its watchers how many bytes have become
readable, and the waiting request's own task goes on once they suffice. Kafka: DelayedFetch.
"""

from __future__ import annotations

import trio


class DataWaiter:
    """Woken once `missing_bytes` became readable in the partitions that it watches, or something changed.

    Owned by the request's task; partitions call `add_bytes` and `wake`.
    """

    __slots__ = ("_missing_bytes", "_woken", "sees_log_end")

    def __init__(self, missing_bytes: int, *, sees_log_end: bool = False) -> None:
        self.sees_log_end = sees_log_end
        """Whether it may read what is not replicated yet: a follower."""
        self._missing_bytes = missing_bytes
        self._woken = trio.Event()

    def add_bytes(self, size_bytes: int) -> None:
        """That much more can be read now."""
        self._missing_bytes -= size_bytes
        if self._missing_bytes <= 0:
            self._woken.set()

    def wake(self) -> None:
        """Whoever waits must look again: a leader resigned, a partition went away."""
        self._woken.set()

    async def wait(self) -> None:
        """Returns once woken; the caller reads again, for bytes added need not be bytes it may see."""
        await self._woken.wait()


class DataWaiters:
    """Those that watch one partition; owned by it."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: dict[DataWaiter, None] = {}
        """In the order in which they came. Looked at directly where appends are measured: nobody, no cost."""

    def on_progress(self, added_bytes: int, *, is_high_watermark_advanced: bool, is_replicated: bool) -> None:
        """Followers wait for the log's end, consumers for the high watermark, of whose bytes nobody keeps
        count while others replicate them: they look again.
        """
        for waiter in tuple(self.waiting):
            if waiter.sees_log_end or (is_high_watermark_advanced and added_bytes and not is_replicated):
                waiter.add_bytes(added_bytes)
            elif is_high_watermark_advanced:
                waiter.wake()

    def wake_all(self) -> None:
        for waiter in tuple(self.waiting):
            waiter.wake()
