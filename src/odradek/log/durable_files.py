"""Small files that are on disk when they are said to be, and what fsync asks for beside them.

A file that must never be seen half written is written to `<name>.tmp`, synced and renamed. Kafka: Utils'
atomicMoveWithFallback, flushDir.
"""

from __future__ import annotations

import os


def replace_file(path: str, content: str | bytes, *, sync: bool = True) -> None:
    """Makes `content` the whole of the file, atomically and, with `sync`, durably. Raises OSError.

    The directory is synced too: a rename that is not on disk has not happened.
    """
    temporary = path + ".tmp"
    write_file(temporary, content.encode() if isinstance(content, str) else content, sync=sync)
    os.replace(temporary, path)
    if sync:
        flush_directory(os.path.dirname(path) or ".")


def write_file(path: str, data: bytes, *, sync: bool = False) -> None:
    """Makes `data` the whole of the file, in place. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_directory(path: str) -> None:
    """fsync of a directory: its files' names are on disk afterwards. One that is gone needs none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_empty(path: str) -> None:
    """Makes an empty file, or empties the one that is there. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644))


def flush_file(path: str) -> None:
    """fsync of a file by name, with a descriptor of its own: the owner's may be closed meanwhile.

    A file that is gone needs no flush: it was deleted or renamed while the flush was on its way.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
