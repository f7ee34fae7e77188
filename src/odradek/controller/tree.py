"""Writing to the store what decisions say: parents are created on the way, trees deleted from their leaves.

Between reading the tree and committing, somebody else may change it; the commit then fails as a whole with
the error of the operation that no longer fits, and nothing is half done.
"""

from __future__ import annotations

from collections.abc import Iterable

from odradek.controller.decision import DeleteTree, Write
from odradek.coordination.store import Create, Delete, MetadataStore, NoNode, Operation
from odradek.metadata import paths


async def operations(store: MetadataStore, writes: Iterable[Write]) -> list[Operation]:
    """Spell writes out as operations of one commit, for the tree as it is now."""
    spelled: list[Operation] = []
    created: set[str] = set()
    for write in writes:
        match write:
            case Create(path):
                *parents, _ = paths.with_parents(path)
                for parent in parents:
                    if parent not in created and not await store.exists(parent):
                        spelled.append(Create(parent))
                        created.add(parent)
                spelled.append(write)
                created.add(path)
            case DeleteTree(path):
                spelled += await _deletions(store, path)
            case _:
                spelled.append(write)
    return spelled


async def _deletions(store: MetadataStore, path: str) -> list[Operation]:
    try:
        children = await store.children(path)
    except NoNode:
        return []
    deletions: list[Operation] = []
    for child in sorted(children):
        deletions += await _deletions(store, f"{path}/{child}")
    return [*deletions, Delete(path)]
