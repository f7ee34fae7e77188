"""A history: operations in the order in which they were written down, and the logs that were left."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from compat.history.operations import Operation, Partition, Seen
from compat.history.replicas import ReplicaLog

_O = TypeVar("_O", bound=Operation)


@dataclass(frozen=True, slots=True)
class FinalLog:
    """All of a partition, read when every fault was healed and every write was answered or given up."""

    start_offset: int
    """The log start offset: what was below has been deleted on purpose."""

    end_offset: int
    """The high watermark, exclusive."""

    records: tuple[Seen, ...]


@dataclass(slots=True)
class History:
    """What all clients of one run wrote down. Appending is all that concurrent clients do to it."""

    operations: list[Operation] = field(default_factory=list)
    final: dict[Partition, FinalLog] = field(default_factory=dict)
    replicas: dict[Partition, Mapping[int, ReplicaLog]] = field(default_factory=dict)
    """Partition → broker → what its files hold, read after the run."""

    drained_groups: set[str] = field(default_factory=set)
    """Groups that went on until they had reached the end: each record must have been given to them."""

    def add(self, operation: Operation) -> None:
        self.operations.append(operation)

    def of(self, kind: type[_O]) -> Iterator[_O]:
        """The operations of one kind."""
        return (operation for operation in self.operations if isinstance(operation, kind))
