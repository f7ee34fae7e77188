"""What a simulation found wrong while it ran."""

from compat.history.operations import Partition
from odradek.testing.trace import Trace


class Findings:
    """Sentences, each told once; they also stand in the trace where they were found."""

    def __init__(self, trace: Trace) -> None:
        self.found: list[str] = []
        self.acknowledged_ends: dict[Partition, int] = {}
        """Below these offsets everything was acknowledged to somebody who asked for all replicas."""
        self._trace = trace

    def add(self, what: str) -> None:
        if what not in self.found:
            self.found.append(what)
            self._trace.note("FINDING", what)

    def acknowledged(self, partition: Partition, end_offset: int) -> None:
        self.acknowledged_ends[partition] = max(end_offset, self.acknowledged_ends.get(partition, 0))
