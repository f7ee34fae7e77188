"""franz-go's kfake, a Kafka in memory for tests, as a program: built once when Go is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from compat.oracle.releases import cache_dir

KFAKE: Final = "kfake"
_SOURCE: Final = Path(__file__).parent
_BUILD_TIMEOUT_S: Final = 600


def kfake_program() -> Path | None:
    """The program, rebuilt when its source changed; None, and a word on it, without Go or when it fails."""
    if shutil.which("go") is None:
        print("kfake is left out: Go is not installed", file=sys.stderr)
        return None
    target = cache_dir().parent / "kfake" / "kfake"
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["go", "build", "-trimpath", "-o", str(target), "."],
        cwd=_SOURCE,
        capture_output=True,
        text=True,
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        print(f"kfake is left out: {done.stderr.strip()[-500:]}", file=sys.stderr)
        return None
    return target
