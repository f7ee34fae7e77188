"""What a broker process costs, read from the kernel: processor seconds and resident memory.

Processor time is the figure that a noisy machine distorts least, so the report leads with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MIB = 1 << 20
_CPUCLOCK_SCHED = 2


@dataclass(slots=True)
class Cost:
    """Processor seconds (user and system) that a process spent while a block ran."""

    cpu_seconds: float = 0.0


def cpu_seconds(pid: int) -> float:
    """User plus system seconds of all its threads since it began, to the nanosecond.

    /proc/<pid>/stat counts hundredths of a second, too coarse for a load of one; the clock's number is what
    clock_getcpuclockid(3) makes of a pid.
    """
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def resident_mib(pid: int) -> float:
    """Resident set without the pages of mapped files, which are the kernel's page cache, in MiB.

    All brokers map their indexes and Odradek maps segments too; anonymous memory is what they really take.
    """
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return (int(fields["VmRSS"].split()[0]) - int(fields["RssFile"].split()[0])) / 1024


@contextmanager
def measured(pid: int) -> Iterator[Cost]:
    """Fills in, at the end of the block, what the process spent in it."""
    cost = Cost()
    before = cpu_seconds(pid)
    yield cost
    cost.cpu_seconds = cpu_seconds(pid) - before
