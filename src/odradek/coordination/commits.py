"""How much goes into one commit: ZooKeeper takes 1 MB, and closes the connection on whoever sends more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odradek.coordination.store import Operation

_OPERATIONS = 1500
BYTES_IN_A_COMMIT = 512 * 1024
_OVERHEAD_BYTES = 64
"""Of an operation beside its path and data: lengths, a version, an ACL."""


def size_bytes(*operations: Operation) -> int:
    """Tell how much of a commit operations take."""
    return sum(
        _OVERHEAD_BYTES + len(operation.path) + len(getattr(operation, "data", b""))
        for operation in operations
    )


def in_commits(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Cut a long row of operations into parts that fit; one that is too large by itself goes alone."""
    part: list[Operation] = []
    filled_bytes = 0
    for operation in operations:
        added_bytes = size_bytes(operation)
        if part and (len(part) == _OPERATIONS or filled_bytes + added_bytes > BYTES_IN_A_COMMIT):
            yield part
            part, filled_bytes = [], 0
        part.append(operation)
        filled_bytes += added_bytes
    if part:
        yield part
