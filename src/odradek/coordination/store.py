"""The tree that a Kafka cluster agrees on, as ZooKeeper offers it and as everyone above sees it.

Owns the interface: nodes, the operations of an atomic commit, and their errors. Says nothing about where
the tree lives: `embedded.EmbeddedStore` keeps it beside the log, `zookeeper.ZooKeeperStore` in an ensemble.
Both pass the one contract suite in `tests/coordination/test_store_contract.py`. A node without data (null
in ZooKeeper, where Kafka writes it so) is one with empty data here.

Semantics are ZooKeeper's (PrepRequestProcessor, DataTree): every commit has one zxid, larger than any
before; a node's version counts the times its data was set; an ephemeral node lives as long as the session
that created it; a sequential node's name ends in the ten-digit count of children its parent ever had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from odradek.errors import OdradekError
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.coordination.changes import Changes

ANY_VERSION = -1
"""A Set, Delete or Check with this version holds for every version of an existing node."""


@value_object
class Node:
    """A node as read: its data, and the parts of ZooKeeper's stat that Kafka looks at.

    `czxid` and `mzxid` are the zxids of its creation and of its last change; a broker's epoch is the czxid
    of its registration. `version` starts at 0. `is_own` says of an ephemeral node that it is this session's.
    """

    data: bytes
    version: int
    czxid: int
    mzxid: int
    ephemeral: bool = False
    is_own: bool = False


@value_object
class Create:
    """Create a node below an existing parent; with `sequential`, `path` is only the beginning of its name."""

    path: str
    data: bytes = b""
    ephemeral: bool = False
    sequential: bool = False


@value_object
class Set:
    """Replace the data of a node that has this version."""

    path: str
    data: bytes
    version: int = ANY_VERSION


@value_object
class Delete:
    """Remove a node that has this version and no children."""

    path: str
    version: int = ANY_VERSION


@value_object
class Check:
    """Change nothing; the whole commit fails unless the node has this version."""

    path: str
    version: int


Operation = Create | Set | Delete | Check


@value_object
class Result:
    """What one operation of a successful commit did.

    `path` is the operation's path, with the number added when it was sequential. `version` is the node's
    version afterwards; that of a deleted or checked node is the version the operation asked for.
    """

    path: str
    version: int


class StoreError(OdradekError):
    """An operation that the tree refused; nothing of its commit happened. `path` is where it failed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.path}"


class NoNode(StoreError):
    """The node, or the parent of a node to create, does not exist."""


class NodeExists(StoreError):
    """The node to create is there already."""


class BadVersion(StoreError):
    """The node has another version than the operation expects: somebody was faster."""


class NotEmpty(StoreError):
    """The node to delete has children."""


class NoChildrenForEphemerals(StoreError):
    """The parent of the node to create is ephemeral, and those are leaves."""


class SessionExpired(StoreError):
    """This session is over: its ephemeral nodes are gone and it can do nothing more."""


class StoreUnavailable(StoreError):
    """The tree's disk or ensemble failed us, now; whether the operation happened is not known."""


class MetadataStore(Protocol):
    """One session with the tree. Paths are absolute, `/` separated, without a slash at the end."""

    async def get(self, path: str) -> Node:
        """Read a node. Raises NoNode."""

    async def exists(self, path: str) -> bool:
        """Tell whether there is such a node."""

    async def children(self, path: str) -> frozenset[str]:
        """Name the children of a node, without their parent's path. Raises NoNode."""

    async def commit(self, *operations: Operation) -> tuple[Result, ...]:
        """Apply all operations in this order, or none, durably; later ones see what earlier ones did.

        Raises the StoreError of the first operation that cannot be applied, or StoreUnavailable.
        """

    def changes(self, *paths: str) -> Changes:
        """Iterate over sets of those paths whose node, or the set of its children, may have changed.

        For one reader. The nodes need not exist. Subscribed from the call on, and all paths come first as
        changed, so that a loop over them reads the state it starts from; several changes may come as one
        wake, but none that a read after the wake did not show goes without another one. Children's own data
        do not count.
        The iterator raises SessionExpired when the session ends.
        """


@runtime_checkable
class Ensemble(MetadataStore, Protocol):
    """A store that ends sessions by itself and opens others."""

    @property
    def session_timeout_ms(self) -> int:
        """How long a session outlives its client."""

    async def renew(self) -> None:
        """Open another session in place of one that is over, however long that takes."""


async def find_node(store: MetadataStore, path: str) -> Node | None:
    """Read a node that need not be there."""
    try:
        return await store.get(path)
    except NoNode:
        return None


async def find_children(store: MetadataStore, path: str) -> frozenset[str] | None:
    """Name the children of a node that need not be there."""
    try:
        return await store.children(path)
    except NoNode:
        return None
