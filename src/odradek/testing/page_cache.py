"""PageCache: which contents of files have reached the disk, and what a power failure leaves of the others.

Files are real ones, in memory if the machine has such a file system. A file's content as of its last fsync
is remembered; a power failure makes of each page that changed since one of its two states, and of a length
that changed one between the two. A process that is killed loses nothing, for the cache is the kernel's.
Names (creating, renaming, deleting) are taken to be on disk at once, as with a journaling file system that
is asked to sync the file. A disk may also fail: then nothing below its directory can be written or synced
any more, though all of it can be read.

Linux only: a descriptor that was opened for writing is read through /proc.
"""

from __future__ import annotations

import os
from errno import EIO
from pathlib import Path
from random import Random
from stat import S_ISDIR
from typing import NamedTuple

from odradek.records.batch import Buffer

PAGE_BYTES = 4096

_pwrite = os.pwrite
"""The system's own, whatever stands in its place during a simulation."""


class _Synced(NamedTuple):
    """A file's content on disk. The descriptor keeps its inode from being given to another file."""

    descriptor: int
    content: bytes


class PageCache:
    """The synced contents of the files of one simulation, by inode."""

    def __init__(self) -> None:
        self._synced: dict[int, _Synced] = {}
        self._failed: set[Path] = set()

    def fail(self, directory: Path) -> None:
        """The disk that is mounted there takes nothing any more."""
        self._failed.add(directory)

    def mend(self, directory: Path) -> None:
        """The disk is as good as new, with what was on it."""
        self._failed.discard(directory)

    def has_failed(self, directory: Path) -> bool:
        return directory in self._failed

    def _check(self, descriptor: int) -> None:
        """Raises OSError if the file is on a disk that failed."""
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if not self._failed.isdisjoint(path.parents):
            raise OSError(EIO, os.strerror(EIO), str(path))

    def pwrite(self, descriptor: int, data: Buffer, offset: int) -> int:
        """Raises OSError."""
        if self._failed:
            self._check(descriptor)
        return _pwrite(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        """fsync: the content of the file is on disk. Raises OSError."""
        if self._failed:
            self._check(descriptor)
        self._remember(descriptor)

    def _remember(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if S_ISDIR(status.st_mode):
            return
        with open(f"/proc/self/fd/{descriptor}", "rb") as file:
            content = file.read()
        before = self._synced.get(status.st_ino)
        pin = os.dup(descriptor) if before is None else before.descriptor
        self._synced[status.st_ino] = _Synced(pin, content)

    def lose_power(self, directory: Path, random: Random) -> list[str]:
        """Make of each file below `directory` what a power failure leaves; those that lost something.

        A changed file is replaced rather than changed: what is left of the process may have it mapped.
        """
        losers = []
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            cached = path.read_bytes()
            synced = self._synced.get(path.stat().st_ino)
            on_disk = b"" if synced is None else synced.content
            if cached == on_disk:
                continue
            left = _mixed(on_disk, cached, random)
            if left != cached:
                losers.append(f"{path.relative_to(directory)} {len(on_disk)}..{len(cached)}->{len(left)}")
            replacement = path.with_name(path.name + ".lost")
            replacement.write_bytes(left)
            os.replace(replacement, path)
            with open(path, "rb") as file:
                self._remember(file.fileno())
        return losers

    def close(self) -> None:
        """Let go of all files."""
        for synced in self._synced.values():
            os.close(synced.descriptor)
        self._synced.clear()


def _mixed(on_disk: bytes, cached: bytes, random: Random) -> bytes:
    """Each page old or new, the length any between both (at a page's border unless it is one of them)."""
    shorter, longer = sorted((len(on_disk), len(cached)))
    borders = range(-(-shorter // PAGE_BYTES) * PAGE_BYTES, longer, PAGE_BYTES)
    size = random.choice([shorter, longer, *borders])
    mixed = bytearray()
    for start in range(0, size, PAGE_BYTES):
        sources = [source for source in (on_disk, cached) if len(source) > start] or [b""]
        page = random.choice(sources)[start : start + PAGE_BYTES]
        mixed += page.ljust(min(PAGE_BYTES, size - start), b"\0")[: size - start]
    return bytes(mixed)
