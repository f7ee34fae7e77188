"""Trace: what happened in a simulation, readable for a person and as one number for a comparison.

Lines are for reading: faults, elections, what clients saw. Everything else that happened, down to each
packet, only goes into the digest: two runs of one seed that differ in anything differ there.
"""

from __future__ import annotations

from zlib import crc32

import trio


class Trace:
    """The history of one simulation; times are seconds on trio's clock. Owned by the simulation's tasks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.left_out = b""
        """Bytes that two runs of one seed do not share, such as the directory that one of them is in."""
        self._digest = 0

    def note(self, actor: str, text: str) -> None:
        """A line of the history."""
        line = self._line(actor, text)
        self.lines.append(line)
        self._digest = crc32(line.encode(), self._digest)

    def remark(self, actor: str, text: str) -> None:
        """A line for the reader only, which the digest does without."""
        self.lines.append(self._line(actor, text))

    @staticmethod
    def _line(actor: str, text: str) -> str:
        return f"{trio.current_time():10.4f}  {actor:<10}  {text}"

    def mix(self, data: bytes | bytearray | memoryview) -> None:
        """Something that happened now and is not worth a line."""
        if self.left_out:
            data = bytes(data).replace(self.left_out, b"")
        self._digest = crc32(data, crc32(trio.current_time().hex().encode(), self._digest))

    @property
    def digest(self) -> str:
        """The same for two runs that did the same at the same times."""
        return f"{self._digest:08x}"

    def __str__(self) -> str:
        return "\n".join(self.lines)
