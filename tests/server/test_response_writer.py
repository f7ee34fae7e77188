"""Chunks and slices arrive as one stream, through a socket much smaller than they are."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from odradek.server.response_writer import join_nowait, send_response
from odradek.server.transport import PlaintextTransport


class FileSlice:
    """A region of a file, as a log's slice is one."""

    def __init__(self, descriptor: int, position: int, size: int) -> None:
        self._descriptor = descriptor
        self.position = position
        self._size = size
        self.released = False

    def __len__(self) -> int:
        return self._size

    def fileno(self) -> int:
        return self._descriptor

    def view(self) -> memoryview:
        return memoryview(os.pread(self._descriptor, self._size, self.position))

    def release(self) -> None:
        self.released = True


Regions = Callable[[int, int], FileSlice]
CONTENT = os.urandom(3_000_000)


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Regions]:
    """Makes slices of a file with CONTENT."""
    path = tmp_path / "segment"
    path.write_bytes(CONTENT)
    descriptor = os.open(path, os.O_RDONLY)
    yield lambda position, size: FileSlice(descriptor, position, size)
    os.close(descriptor)


@contextmanager
def small_pair() -> Iterator[tuple[PlaintextTransport, trio.SocketStream]]:
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.setblocking(False)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
    with ours, theirs:
        yield PlaintextTransport(ours), stream


async def sent(*chunks: bytes | bytearray | memoryview | FileSlice) -> bytes:
    received = bytearray()
    with small_pair() as (transport, stream):

        async def receive(size: int) -> None:
            while len(received) < size:
                received.extend(await stream.receive_some(65536))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive, sum(map(len, chunks)))
            await send_response(transport, chunks)
    return bytes(received)


async def test_small_chunks_go_together() -> None:
    assert await sent(b"head", bytearray(b"body"), memoryview(b"tail")) == b"headbodytail"


async def test_large_chunks_go_whole() -> None:
    head, body = os.urandom(9), os.urandom(2_000_000)
    assert await sent(head, b"", memoryview(body), b"tail") == head + body + b"tail"


async def test_more_chunks_than_one_call_takes() -> None:
    assert await sent(*[b"%06d" % n * 10 for n in range(3000)]) == b"".join(
        b"%06d" % n * 10 for n in range(3000)
    )


async def test_slices_large_and_small_go_between_the_chunks(region: Regions) -> None:
    small, large, last = region(10, 500), region(1_000, 2_500_000), region(2_999_999, 1)
    assert await sent(b"head", small, b"middle", large, last) == (
        b"head" + CONTENT[10:510] + b"middle" + CONTENT[1_000:2_501_000] + CONTENT[2_999_999:]
    )
    assert small.released
    assert large.released
    assert last.released


def test_what_is_small_and_in_memory_is_joined(region: Regions) -> None:
    small, empty = region(10, 500), FileSlice(-1, 0, 0)
    assert join_nowait([b"head", small, b"middle", empty]) == b"head" + CONTENT[10:510] + b"middle"
    assert small.released


def test_what_is_large_or_would_have_to_be_waited_for_is_not_joined(
    region: Regions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def would_wait(*_: object) -> int:
        raise BlockingIOError

    assert join_nowait([b"head", region(0, 100_000)]) is None
    monkeypatch.setattr(os, "preadv", would_wait)
    small = region(10, 500)
    assert join_nowait([b"head", small]) is None
    assert not small.released


async def test_an_empty_slice_is_not_asked_for_its_file() -> None:
    empty = FileSlice(-1, 0, 0)
    assert await sent(b"head", empty, b"tail") == b"headtail"
    assert empty.released


async def test_slices_are_released_when_the_peer_is_gone(region: Regions) -> None:
    with small_pair() as (transport, stream):
        await stream.aclose()
        piece = region(0, 1_000_000)
        with pytest.raises(OSError):
            await send_response(transport, [b"head", piece])
        assert piece.released


async def test_a_file_shorter_than_its_slice_is_an_error(region: Regions) -> None:
    with small_pair() as (transport, _), pytest.raises(EOFError):
        await send_response(transport, [b"head", region(2_999_999, 40_000)])
