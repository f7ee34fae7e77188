"""LogSlice: a stretch of one segment's file, to be sent or looked at, and held until then.

A slice is a lease: while it lives, the segment's file stays open even if the segment is deleted, and while a
view of it lives the file is not cut short, because touching a mapped page past the end of a file is SIGBUS.
The lease ends with `release` or, should its holder forget, with the object.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odradek.log.segment import Segment


class LogSlice:
    """`size_bytes` bytes from `position` in a segment's file; in a Fetch response it stands for the records.

    It starts with a whole batch header, but may end within a batch, as a Kafka response may.
    """

    __slots__ = ("_segment", "_view", "first_batch_size_bytes", "position", "size_bytes")

    def __init__(
        self, segment: Segment | None, position: int, size_bytes: int, first_batch_size_bytes: int
    ) -> None:
        self._segment = segment
        self._view: memoryview | None = None
        self.position = position
        self.size_bytes = size_bytes
        self.first_batch_size_bytes = first_batch_size_bytes
        """Of the whole first batch, however much of it is in the slice; 0 for an empty slice."""
        if segment is not None:
            segment.file.leases += 1

    def __len__(self) -> int:
        return self.size_bytes

    @property
    def is_first_batch_cut(self) -> bool:
        """The slice was too small for even one batch; a reader can make nothing of it."""
        return self.size_bytes < self.first_batch_size_bytes

    @property
    def segment(self) -> Segment | None:
        """None for an empty slice."""
        return self._segment

    def fileno(self) -> int:
        """A descriptor for `sendfile`, good while the slice is held. Raises ValueError for an empty slice."""
        if self._segment is None:
            raise ValueError("an empty slice has no file")
        return self._segment.file.fileno()

    def view(self) -> memoryview:
        """The bytes, out of a map of the file; not to be used after `release`."""
        if self._view is None:
            if self._segment is None:
                return memoryview(b"")
            self._view = self._segment.file.view(self.position, self.position + self.size_bytes)
            self._segment.file.views += 1
        return self._view

    def release(self) -> None:
        """Ends the lease; the slice is empty afterwards. May be called again."""
        segment = self._segment
        if segment is not None:
            self._segment = None
            has_view = self._view is not None
            self._view = None
            self.size_bytes = 0
            segment.file.end_lease(has_view)

    def __del__(self) -> None:
        if self._segment is not None:
            self.release()

    def __enter__(self) -> LogSlice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


EMPTY_SLICE = LogSlice(None, 0, 0, 0)
