"""What was synced survives a power failure; of the rest any pages do."""

import os
from pathlib import Path
from random import Random

import pytest

from odradek.testing.page_cache import PAGE_BYTES, PageCache


def write(path: Path, content: bytes, cache: PageCache | None = None) -> None:
    """In place, as a log is written; synced if a cache is given."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))
    if cache is not None:
        cache.sync(descriptor)
    os.close(descriptor)


def outcomes(directory: Path, synced: bytes, cached: bytes) -> set[bytes]:
    """Everything that a power failure leaves of a file, over many seeds."""
    found = set()
    for seed in range(200):
        cache = PageCache()
        path = directory / "file"
        path.unlink(missing_ok=True)
        write(path, synced, cache)
        write(path, cached)
        cache.lose_power(directory, Random(seed))
        found.add(path.read_bytes())
        cache.close()
    return found


def test_what_was_synced_is_there(tmp_path: Path) -> None:
    assert outcomes(tmp_path, b"synced", b"synced") == {b"synced"}


def test_a_page_is_old_or_new_and_not_torn(tmp_path: Path) -> None:
    assert outcomes(tmp_path, b"old", b"new") == {b"old", b"new"}


def test_an_append_is_there_in_whole_pages_or_not(tmp_path: Path) -> None:
    old, new = b"a" * PAGE_BYTES, b"b" * PAGE_BYTES
    left = outcomes(tmp_path, old, old + new)
    assert left == {old, old + new, old + bytes(PAGE_BYTES)} - {old + bytes(PAGE_BYTES)}


def test_pages_are_lost_independently_of_each_other(tmp_path: Path) -> None:
    old, new = b"a" * PAGE_BYTES * 2, b"b" * PAGE_BYTES * 2
    left = outcomes(tmp_path, old, new)
    assert left == {
        first * PAGE_BYTES + second * PAGE_BYTES for first in (b"a", b"b") for second in (b"a", b"b")
    }


def test_a_truncation_may_not_have_happened(tmp_path: Path) -> None:
    assert outcomes(tmp_path, b"long", b"") == {b"long", b""}


def test_a_synced_file_stays_synced_under_another_name(tmp_path: Path) -> None:
    cache = PageCache()
    write(tmp_path / "checkpoint.tmp", b"content", cache)
    os.replace(tmp_path / "checkpoint.tmp", tmp_path / "checkpoint")
    assert cache.lose_power(tmp_path, Random(1)) == []
    assert (tmp_path / "checkpoint").read_bytes() == b"content"
    cache.close()


def test_what_is_left_is_on_disk_the_next_time(tmp_path: Path) -> None:
    cache = PageCache()
    write(tmp_path / "file", b"x" * PAGE_BYTES * 8)
    cache.lose_power(tmp_path, Random(5))
    left = (tmp_path / "file").read_bytes()
    assert cache.lose_power(tmp_path, Random(6)) == []
    assert (tmp_path / "file").read_bytes() == left
    cache.close()


def test_a_failed_disk_takes_nothing_until_it_is_mended(tmp_path: Path) -> None:
    cache = PageCache()
    broken, working = tmp_path / "broken", tmp_path / "working"
    descriptors = []
    for disk in (broken, working):
        (disk / "topic-0").mkdir(parents=True)
        descriptors.append(os.open(disk / "topic-0" / "log", os.O_RDWR | os.O_CREAT))
    on_broken, on_working = descriptors
    cache.fail(broken)
    assert cache.pwrite(on_working, b"new", 0) == 3
    with pytest.raises(OSError, match="Input/output error"):
        cache.pwrite(on_broken, b"new", 0)
    with pytest.raises(OSError, match="Input/output error"):
        cache.sync(on_broken)
    cache.mend(broken)
    assert cache.pwrite(on_broken, b"new", 0) == 3
    for descriptor in descriptors:
        os.close(descriptor)
