"""Writing to the store what decisions say: parents are created on the way, trees deleted from their leaves.

Between reading the tree and committing, somebody else may change it; the commit then fails as a whole with
the error of the operation that no longer fits, and nothing is half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from odradek.controller.decision import DeleteTree, Write
from odradek.coordination.reads import at_once
from odradek.coordination.store import Create, Delete, MetadataStore, Operation, find_children
from odradek.metadata import paths


async def operations(store: MetadataStore, writes: Sequence[Write]) -> list[Operation]:
    """Spell writes out as operations of one commit, for the tree as it is now."""
    missing = await _missing_parents(store, [write.path for write in writes if isinstance(write, Create)])
    spelled: list[Operation] = []
    for write in writes:
        match write:
            case Create(path):
                *parents, _ = paths.with_parents(path)
                for parent in parents:
                    if parent in missing:
                        spelled.append(Create(parent))
                        missing.discard(parent)
                missing.discard(path)
                spelled.append(write)
            case DeleteTree(path):
                spelled += await _deletions(store, path)
            case _:
                spelled.append(write)
    return spelled


async def _missing_parents(store: MetadataStore, created: Iterable[str]) -> set[str]:
    """Find the parents of nodes to be created that are not there; below a missing one nothing is asked."""
    levels: dict[int, dict[str, str]] = {}
    for path in created:
        before = ""
        for depth, parent in enumerate(paths.with_parents(path)[:-1]):
            levels.setdefault(depth, {})[parent] = before
            before = parent
    missing: set[str] = set()
    for depth in sorted(levels):
        asked = [path for path, parent in levels[depth].items() if parent not in missing]
        missing.update(path for path, parent in levels[depth].items() if parent in missing)
        there = await at_once([partial(store.exists, path) for path in asked])
        missing.update(path for path, exists in zip(asked, there, strict=True) if not exists)
    return missing


async def _deletions(store: MetadataStore, path: str) -> list[Operation]:
    found: list[str] = []
    level = [path]
    while level:
        listed = await at_once([partial(find_children, store, node) for node in level])
        there = [(node, names) for node, names in zip(level, listed, strict=True) if names is not None]
        found += [node for node, _ in there]
        level = [f"{node}/{name}" for node, names in there for name in sorted(names)]
    return [Delete(node) for node in reversed(found)]
