"""Which code a result is about, so that a run that was interrupted goes on only where nothing has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def fingerprint(*folders: str) -> str:
    """Of every source file in these folders of the project, their names included."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def broker_fingerprint() -> str:
    """Of Odradek itself."""
    return fingerprint("src/odradek")
