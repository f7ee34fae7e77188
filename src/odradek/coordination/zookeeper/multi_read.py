"""Reading many nodes with one request: ZooKeeper's multiRead, which kazoo does not have.

    request    for each path: int32 4 (getData), bool false, int32 -1, string path, bool false (no watch)
               then           int32 -1, bool true, int32 -1
    response   for each path: int32 4, bool false, int32 0, buffer data, stat
                          or: int32 -1, bool false, int32 error, int32 error
               then           int32 -1, bool true, int32 -1

Ensembles before ZooKeeper 3.6 answer UnimplementedError. Source: ZOOKEEPER-1289, MultiOperationRecord.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from kazoo.client import KazooClient
from kazoo.exceptions import EXCEPTIONS, KazooException
from kazoo.protocol.serialization import GetData, MultiHeader, int_struct, read_buffer, stat_struct
from kazoo.protocol.states import ZnodeStat

_MULTI_READ = 22
_END = MultiHeader(-1, True, -1)

ReadNode: TypeAlias = tuple[bytes | None, ZnodeStat] | KazooException
"""A node's data and stat, or why there are none."""


class MultiRead:
    """A request as kazoo's connection takes it; its response is a list of (data, stat), or an exception."""

    __slots__ = ("_paths",)

    type = _MULTI_READ

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def serialize(self) -> bytearray:
        out = bytearray()
        header = MultiHeader(GetData.type, False, -1).serialize()
        for path in self._paths:
            out += header
            out += GetData(path, None).serialize()
        out += _END.serialize()
        return out

    def deserialize(self, buffer: bytes, offset: int) -> list[ReadNode]:
        read: list[ReadNode] = []
        header, offset = MultiHeader.deserialize(buffer, offset)
        while not header.done:
            if header.type == GetData.type:
                data, offset = read_buffer(buffer, offset)
                stat = ZnodeStat._make(stat_struct.unpack_from(buffer, offset))
                offset += stat_struct.size
                read.append((data, stat))
            else:
                (error,) = int_struct.unpack_from(buffer, offset)
                offset += int_struct.size
                read.append(EXCEPTIONS[error]())
            header, offset = MultiHeader.deserialize(buffer, offset)
        return read


def read_many_async(client: KazooClient, paths: Sequence[str]) -> Any:
    """Ask for many nodes; gives kazoo's promise of the response."""
    result = client.handler.async_result()
    client._call(MultiRead(paths), result)
    return result
