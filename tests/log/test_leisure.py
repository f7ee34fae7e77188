"""Reading at leisure: others have turns, and what is given up leaves nothing behind."""

import threading
import tracemalloc

import cramjam
import pytest
import trio

from odradek.log.leisure import at_leisure, decompress_zstd

LARGE_BYTES = 50_000_000


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "zstd"]


def counted(breaths):
    for _ in range(breaths):
        yield None
    return breaths


async def test_others_have_turns_meanwhile(autojump_clock):
    turns = 0

    async def other():
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        assert await at_leisure(counted(100)) == 100
        nursery.cancel_scope.cancel()
    assert turns > 50


async def test_what_is_cancelled_is_closed(autojump_clock):
    closed = []

    def steps():
        try:
            while True:
                yield None
        finally:
            closed.append(True)

    with trio.CancelScope() as scope:
        scope.cancel()
        await at_leisure(steps())
    assert closed


def test_zstd_comes_in_pieces():
    data = bytes(LARGE_BYTES)
    compressed = bytes(cramjam.zstd.compress(data))
    tracemalloc.start()
    size_bytes = sum(map(len, decompress_zstd(compressed)))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size_bytes == LARGE_BYTES
    assert most_bytes < 1 << 20
    assert not threads()


def test_who_stops_reading_leaves_no_thread():
    pieces = decompress_zstd(bytes(cramjam.zstd.compress(bytes(LARGE_BYTES))))
    next(pieces)
    pieces.close()
    assert not threads()


@pytest.mark.parametrize("broken", [b"", b"no zstd", bytes(cramjam.zstd.compress(bytes(1000)))[:-3]])
def test_what_is_no_zstd_is_refused(broken):
    with pytest.raises(cramjam.DecompressionError):
        list(decompress_zstd(broken))
    assert not threads()
