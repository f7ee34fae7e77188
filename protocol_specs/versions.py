"""A range of message versions, in Kafka's notation: `none`, `3`, `0-4`, `2+`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

UNBOUNDED = 0x7FFF


@dataclass(frozen=True, slots=True)
class Versions:
    """Both bounds inclusive; empty when `highest < lowest`."""

    lowest: int
    highest: int

    @classmethod
    def parse(cls, text: str | None) -> Versions:
        """Read Kafka's notation; None and `none` are empty."""
        if text is None or text == "none":
            return EMPTY
        if text.endswith("+"):
            return cls(int(text[:-1]), UNBOUNDED)
        lowest, _, highest = text.partition("-")
        return cls(int(lowest), int(highest or lowest))

    @classmethod
    def of(cls, versions: set[int]) -> Versions:
        """The range that holds exactly these versions; ValueError when there is a hole in them."""
        if not versions:
            return EMPTY
        found = cls(min(versions), max(versions))
        if len(versions) != found.highest - found.lowest + 1:
            raise ValueError(f"not a range: {sorted(versions)}")
        return found

    def __contains__(self, version: int) -> bool:
        return self.lowest <= version <= self.highest

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.lowest, self.highest + 1))

    def __bool__(self) -> bool:
        return self.lowest <= self.highest

    def __and__(self, other: Versions) -> Versions:
        return Versions(max(self.lowest, other.lowest), min(self.highest, other.highest))

    def __str__(self) -> str:
        if not self:
            return "none"
        if self.highest >= UNBOUNDED:
            return f"{self.lowest}+"
        return str(self.lowest) if self.lowest == self.highest else f"{self.lowest}-{self.highest}"


EMPTY = Versions(0, -1)
