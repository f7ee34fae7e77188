"""Window: a stream of bytes that comes in pieces, laid together as far as somebody looks at it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeAlias, TypeVar

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

T = TypeVar("T")

Breath: TypeAlias = None
"""Yielded where it is time to let others run: this pure code knows neither threads nor tasks."""

MAX_HELD_BYTES = 1 << 30
"""What one record may take that has to be held as a whole. In Kafka it is the heap that bounds it, which is
of this size unless somebody sets another; what does not fit there is answered with the same error."""


class Window:
    """The bytes at hand; `position` is where the last look ended."""

    __slots__ = ("_pieces", "data", "position")

    def __init__(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        self._pieces = iter(pieces)
        self.data = b""
        self.position = 0

    def refill(self, position: int, size_bytes: int) -> Generator[Breath, None, None]:
        """Has so many bytes from `position` on at hand, or all there are.

        A breath is taken where one piece is not enough: hundreds of thousands may be empty.
        """
        parts = [self.data[position:]]
        have = len(parts[0])
        while have < size_bytes and (piece := next(self._pieces, None)) is not None:
            parts.append(bytes(piece))
            have += len(piece)
            if have < size_bytes:
                yield None
        self.data = b"".join(parts)
        self.position = 0

    def hold(self, position: int, size_bytes: int) -> Generator[Breath, None, None]:
        """As `refill`, with a breath for each piece.

        Raises KafkaError(UNKNOWN_SERVER_ERROR) beyond MAX_HELD_BYTES.
        """
        if size_bytes > MAX_HELD_BYTES:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"{size_bytes} bytes do not fit into memory")
        held = bytearray(self.data[position:])
        while len(held) < size_bytes and (piece := next(self._pieces, None)) is not None:
            held += piece
            yield None
        self.data = bytes(held)
        self.position = 0

    def skip(self, size_bytes: int) -> Generator[Breath, None, None]:
        """Passes over so many bytes. Raises IndexError if there are fewer."""
        position = self.position
        while size_bytes > len(self.data) - position:
            size_bytes -= len(self.data) - position
            piece = next(self._pieces, None)
            if piece is None:
                raise IndexError("the stream ends early")
            self.data, position = bytes(piece), 0
            yield None
        self.position = position + size_bytes


def drive(steps: Generator[Breath, None, T]) -> T:
    """What comes out, without a breath taken."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
