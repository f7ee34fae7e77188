"""What is in the page cache is told apart from what is not; what is not is read by a thread."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.server import cold_reads
from odradek.server.cold_reads import is_cached, read_nowait, wait_cached
from tests.server.test_response_writer import FileSlice

SIZE = 3_000_000


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "segment"
    path.write_bytes(os.urandom(SIZE))
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def evict(descriptor: int) -> None:
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def test_what_was_just_written_is_there(descriptor: int) -> None:
    assert is_cached(descriptor, 0, SIZE)
    assert is_cached(descriptor, SIZE, 0)


def test_what_is_there_is_read_at_once(descriptor: int) -> None:
    assert bytes(read_nowait(FileSlice(descriptor, 1_000, 500)) or b"") == os.pread(descriptor, 500, 1_000)


@pytest.mark.parametrize(("read", "is_there"), [(10, True), (4, False)])
def test_what_is_there_in_part_is_not_taken(
    descriptor: int, monkeypatch: pytest.MonkeyPatch, read: int, is_there: bool
) -> None:
    monkeypatch.setattr(os, "preadv", lambda *_: read)
    assert (read_nowait(FileSlice(descriptor, 0, 10)) is not None) is is_there


async def test_what_is_not_there_is_brought_in(descriptor: int) -> None:
    evict(descriptor)
    await wait_cached(FileSlice(descriptor, 1_000, 2_000_000))
    assert is_cached(descriptor, 1_000, 2_000_000)


async def test_a_kernel_that_would_have_to_wait_is_believed(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def would_wait(_: int, __: object, position: int, flags: int) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", would_wait)
    assert read_nowait(FileSlice(descriptor, 5, 10)) is None
    monkeypatch.setattr(cold_reads, "_read", lambda _, position, size: asked.append((position, size)))
    await wait_cached(FileSlice(descriptor, 5, 10))
    assert asked == [(5, 10)]


def test_a_file_system_that_cannot_say_is_taken_to_have_it(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "preadv", unsupported)
    assert is_cached(descriptor, 0, SIZE)
