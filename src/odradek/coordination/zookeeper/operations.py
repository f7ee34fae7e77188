"""Commits and refusals in kazoo's words and in the store's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kazoo.exceptions import (
    AuthFailedError,
    BadVersionError,
    ConnectionClosedError,
    KazooException,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    SessionExpiredError,
)
from kazoo.protocol import serialization
from kazoo.security import ACL, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

from odradek.coordination.store import (
    BadVersion,
    Check,
    Create,
    Delete,
    NoChildrenForEphemerals,
    NodeExists,
    NoNode,
    NotEmpty,
    Operation,
    Result,
    SessionExpired,
    Set,
    StoreError,
    StoreUnavailable,
)
from odradek.coordination.zookeeper.settings import ZooKeeperSettings

_REFUSALS: dict[type[KazooException], type[StoreError]] = {
    NoNodeError: NoNode,
    NodeExistsError: NodeExists,
    BadVersionError: BadVersion,
    NotEmptyError: NotEmpty,
    NoChildrenForEphemeralsError: NoChildrenForEphemerals,
}

_OPEN_PATH = "/consumers"
"""Consumers of old wrote below it by themselves."""

_SENSITIVE_ROOTS = ("/config/users", "/config/brokers", "/delegation_token/tokens")
"""Passwords are below them, so nobody else may read them."""

_EPHEMERAL, _SEQUENTIAL = 1, 2
"""ZooKeeper's flags of a node to create."""


def full_path(path: str, chroot: str) -> str:
    """A node's path in the ensemble."""
    return chroot + path if path != "/" else chroot or "/"


def acls(path: str, settings: ZooKeeperSettings) -> list[ACL]:
    """Who may do what with a node that is created (kafka.zk.ZkData.defaultAcls)."""
    if not settings.protects_nodes or path == _OPEN_PATH:
        return list(OPEN_ACL_UNSAFE)
    readers = [] if path.startswith(_SENSITIVE_ROOTS) else READ_ACL_UNSAFE
    return [*CREATOR_ALL_ACL, *readers]


def spelled(operation: Operation, settings: ZooKeeperSettings) -> object:
    """An operation as kazoo sends it."""
    # Kafka writes null where there is no data, and cannot read an empty /latest_producer_id_block.
    full = full_path(operation.path, settings.chroot)
    match operation:
        case Create(_, data, ephemeral, sequential):
            flags = _EPHEMERAL * ephemeral | _SEQUENTIAL * sequential
            return serialization.Create(full, data or None, acls(operation.path, settings), flags)
        case Set(_, data, version):
            return serialization.SetData(full, data or None, version)
        case Delete(_, version):
            return serialization.Delete(full, version)
        case Check(_, version):
            return serialization.CheckVersion(full, version)


def result_of(operation: Operation, answer: Any, chroot: str) -> Result:
    """What an operation did, from its part of the answer."""
    match operation:
        case Create():
            return Result(answer.removeprefix(chroot), 0)
        case Set(path):
            return Result(path, answer.version)
        case Delete(path, version) | Check(path, version):
            return Result(path, version)


def first_refusal(operations: Sequence[Operation], answers: Sequence[Any]) -> StoreError | None:
    """Those before the operation that cannot be applied are rolled back, those after it are not tried."""
    for operation, answer in zip(operations, answers, strict=True):
        if isinstance(answer, Exception) and not isinstance(answer, RolledBackError):
            return refusal(answer, operation.path)
    return None


def refusal(error: Exception, path: str) -> StoreError:
    """The store's word for what kazoo raises."""
    if isinstance(error, SessionExpiredError | ConnectionClosedError | AuthFailedError):
        return SessionExpired(path)
    for kazoo_error, store_error in _REFUSALS.items():
        if isinstance(error, kazoo_error):
            return store_error(path)
    return StoreUnavailable(path)
