"""How much goes into one commit: ZooKeeper takes 1 MB, and closes the connection on whoever sends more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odradek.coordination.store import Operation

_OPERATIONS = 1500
_BYTES = 512 * 1024
_OVERHEAD_BYTES = 64
"""Of an operation beside its path and data: lengths, a version, an ACL."""


def in_commits(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Cut a long row of operations into parts that fit; one that is too large by itself goes alone."""
    part: list[Operation] = []
    size_bytes = 0
    for operation in operations:
        added_bytes = _OVERHEAD_BYTES + len(operation.path) + len(getattr(operation, "data", b""))
        if part and (len(part) == _OPERATIONS or size_bytes + added_bytes > _BYTES):
            yield part
            part, size_bytes = [], 0
        part.append(operation)
        size_bytes += added_bytes
    if part:
        yield part
