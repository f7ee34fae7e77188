"""How long this process has lived, the interpreter's own start included."""

from __future__ import annotations

import os
import time
from pathlib import Path

_START_TIME = 22 - 3
"""`starttime`, field 22 of `/proc/[pid]/stat` (proc(5)), counted from behind the name: ticks since boot."""


def process_age_ms() -> int:
    """Milliseconds since the process began, in steps of a clock tick (10 ms on Linux).

    Where the system does not say it, since the interpreter began to count its own time.
    """
    try:
        stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return round(time.process_time() * 1000)
    fields = stat.rpartition(")")[2].split()
    began_s = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
    return round((time.clock_gettime(time.CLOCK_BOOTTIME) - began_s) * 1000)
