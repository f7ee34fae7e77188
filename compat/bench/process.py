"""What a broker process costs, read from the kernel: processor seconds and resident memory.

Processor time is the figure that a noisy machine distorts least, so the report leads with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(slots=True)
class Cost:
    """Processor seconds (user and system) that a process spent while a block ran."""

    cpu_seconds: float = 0.0


def cpu_seconds(pid: int) -> float:
    """User plus system seconds of the process since it began."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_bytes(pid: int) -> int:
    """Resident set without the pages of mapped files, which are the kernel's page cache.

    Both brokers map their indexes and Odradek maps segments too; anonymous memory is what they really take.
    """
    rss_file = 0
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    rss = int(fields["VmRSS"].split()[0])
    rss_file = int(fields["RssFile"].split()[0])
    return (rss - rss_file) * 1024


@contextmanager
def measured(pid: int) -> Iterator[Cost]:
    """Fills in, at the end of the block, what the process spent in it."""
    cost = Cost()
    before = cpu_seconds(pid)
    yield cost
    cost.cpu_seconds = cpu_seconds(pid) - before
