"""A large real file for the broker: how it is made, how it goes in, and what must hold of what comes out.

A line is `<key>\\t<number of the line among its key's, hex>:<filler>`; the key travels as the record's key
and the rest as its value, so a consumer can rebuild every line and see each key's order.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

KEYS = 1000
FILLER_BYTES = 190
"""A line is then some 210 bytes: a million of them are 210 MB."""


def write_lines(path: Path, lines: int, seed: int = 1) -> None:
    """Write `lines` lines over `KEYS` keys; the same seed gives the same bytes."""
    source = random.Random(seed)
    pool = "".join(source.choices("abcdefghijklmnopqrstuvwxyzäöü€ ", k=1 << 16))
    counts: defaultdict[int, int] = defaultdict(int)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for _ in range(lines):
            key = source.randrange(KEYS)
            start = source.randrange(len(pool) - FILLER_BYTES)
            out.write(f"key-{key:04}\t{counts[key]:08x}:{pool[start : start + FILLER_BYTES]}\n")
            counts[key] += 1


def read_lines(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of every line."""
    with path.open("rb") as lines:
        for line in lines:
            key, _, value = line.rstrip(b"\n").partition(b"\t")
            yield key, value


@dataclass(frozen=True, slots=True)
class Consumed:
    """One record that a group member was given."""

    partition: int
    offset: int
    key: bytes
    value: bytes


def read_consumed(paths: Iterable[Path]) -> list[Consumed]:
    """What the members wrote, once for each (partition, offset), in each partition's order.

    A group delivers at least once: after a rebalance a record may be given to both. Its content must then
    be the same, which is checked here.
    """
    seen: dict[tuple[int, int], Consumed] = {}
    for path in paths:
        with path.open("rb") as lines:
            for line in lines:
                partition, offset, key, value = line.rstrip(b"\n").split(b"\t", 3)
                record = Consumed(int(partition), int(offset), key, value)
                earlier = seen.setdefault((record.partition, record.offset), record)
                assert earlier == record, "one offset, two contents"
    return [seen[place] for place in sorted(seen)]


def by_key(records: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """The values of each key, in order."""
    values: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for key, value in records:
        values[key].append(value)
    return dict(values)


def start_member(bootstrap: str, topic: str, group: str, out: Path, expected: int) -> subprocess.Popen[bytes]:
    """A kafka-python consumer in a process of its own; see `group_member`."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.group_member",
            bootstrap,
            topic,
            group,
            str(out),
            str(expected),
        ],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
    )
