"""The machine that a benchmark ran on, and the code that it ran, each in one line."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
_WRITTEN_HERE = (
    ":!compat/bench/latest.json", ":!compat/bench/profile.json", ":!compat/REPORT.*", ":!README.md",
)  # fmt: skip


def machine() -> str:
    """Processor, cores, memory, kernel, Python and Java, and how loaded it was before we began."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {_java()}; "
        f"load average before the start {os.getloadavg()[0]:.1f}"
    )


def revision() -> str:
    """The commit of this checkout, with a + when files differ from it; empty outside git.

    What is written by measuring and judging is no such difference.
    """
    commit = _git("describe", "--always", "--abbrev=10")
    return (
        commit + "+" if commit and _git("diff", "--name-only", "HEAD", "--", ".", *_WRITTEN_HERE) else commit
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def _java() -> str:
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[0].replace('"', "") if done.stderr else "no Java"
