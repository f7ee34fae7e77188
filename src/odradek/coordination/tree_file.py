r"""The tree in a file: what a cluster remembers, between an embedded store, a file and an ensemble.

JSON lines. The first names the format; each other is a node, parents first:

    {"format": "odradek-metadata", "version": 1}
    {"path": "/brokers"}
    {"path": "/brokers/topics/orders", "data": "{\"version\":3,...}"}
    {"path": "/some/node", "base64": "/w=="}      data that is not UTF-8
    {"path": "/brokers/seqid", "changes": 3}      how often it was set, where that counts

Left out are nodes that end with a session, and notifications, which were for the brokers of their time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator

from odradek.coordination.commits import in_commits
from odradek.coordination.store import Create, MetadataStore, Operation, Set, find_children, find_node
from odradek.coordination.tree import join
from odradek.errors import OdradekError
from odradek.metadata import paths
from odradek.value_object import value_object

_HEADER = {"format": "odradek-metadata", "version": 1}

_NOTIFICATIONS = (
    paths.CONFIG_CHANGES,
    paths.ISR_CHANGE_NOTIFICATION,
    paths.LOG_DIR_EVENT_NOTIFICATION,
)
"""Their children are numbered by the tree, and mean nothing to a broker that starts."""

_COUNTING = (paths.BROKER_SEQUENCE_ID,)
"""Nodes whose version is what they are for: it becomes the next broker's id."""


class MalformedTree(OdradekError):
    """A file that holds no tree; says where."""


class CannotImport(OdradekError):
    """A tree that does not fit the one that is there; nothing of it was written."""


@value_object
class Entry:
    """A node. `changes` is its version where that counts, and 0 elsewhere."""

    path: str
    data: bytes = b""
    changes: int = 0


async def read_tree(store: MetadataStore) -> AsyncIterator[Entry]:
    """All nodes but the root, parents first, siblings in the order of their names."""
    waiting = ["/"]
    while waiting:
        parent = waiting.pop()
        if parent not in _NOTIFICATIONS:
            names = sorted(await store.children(parent), reverse=True)
            waiting += [join(parent, name) for name in names]
        if parent == "/":
            continue
        node = await store.get(parent)
        if not node.ephemeral:
            yield Entry(parent, node.data, node.version if parent in _COUNTING else 0)


async def write_tree(store: MetadataStore, entries: Iterable[Entry]) -> int:
    """Create what is missing; give the number of nodes created. Can be repeated when it was interrupted.

    Raises CannotImport, before anything is written, when brokers are registered or a node is there with
    other data.
    """
    entries = list(entries)
    await _refuse_company(store)
    missing = [entry for entry in entries if not await _is_there(store, entry)]
    for operations in in_commits(operation for entry in missing for operation in _making(entry)):
        await store.commit(*operations)
    return len(missing)


async def _refuse_company(store: MetadataStore) -> None:
    if brokers := await find_children(store, paths.BROKER_IDS):
        raise CannotImport(f"Brokers are registered there ({', '.join(sorted(brokers))}); stop them first.")


async def _is_there(store: MetadataStore, entry: Entry) -> bool:
    """Raises CannotImport if another node is."""
    node = await find_node(store, entry.path)
    if node is None:
        return False
    if node.data != entry.data:
        raise CannotImport(f"{entry.path} is there already and holds something else.")
    return True


def _making(entry: Entry) -> list[Operation]:
    return [Create(entry.path, entry.data), *[Set(entry.path, entry.data)] * entry.changes]


def encode_tree(entries: Iterable[Entry]) -> Iterator[str]:
    """The lines of a file, without their ends."""
    yield json.dumps(_HEADER)
    for entry in entries:
        fields: dict[str, object] = {"path": entry.path}
        if entry.data:
            try:
                fields["data"] = entry.data.decode()
            except UnicodeDecodeError:
                fields["base64"] = base64.b64encode(entry.data).decode("ascii")
        if entry.changes:
            fields["changes"] = entry.changes
        yield json.dumps(fields, ensure_ascii=False)


def decode_tree(lines: Iterable[str]) -> Iterator[Entry]:
    """The nodes of a file. Raises MalformedTree."""
    for number, line in enumerate(lines, 1):
        try:
            fields = json.loads(line)
            if number == 1:
                if fields != _HEADER:
                    raise MalformedTree(f"not a tree of {_HEADER}: {line.strip()[:80]!r}")
                continue
            data = (
                base64.b64decode(fields["base64"], validate=True)
                if "base64" in fields
                else fields.get("data", "").encode()
            )
            yield Entry(fields["path"], data, fields.get("changes", 0))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise MalformedTree(f"line {number} is no node: {line.strip()[:80]!r}") from error
