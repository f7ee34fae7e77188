"""What real Kafka made of the frames of a seed: kept in the oracle's cache, for it takes a JVM to ask again.

<cache>/malformed/<release>-<seed>-<digest>.json    outcomes in the order of frames; the digest is the frames'
"""

import hashlib
import json
from pathlib import Path

from compat.malformed import outcomes
from compat.malformed.frames import Frame
from compat.oracle.releases import cache_dir


def recorded(release: str, seed: int, frames: list[Frame]) -> list[str] | None:
    """The outcomes of these very frames; ``None`` when they were never asked for."""
    file = _file(release, seed, frames)
    if not file.exists():
        return None
    found: list[str] = json.loads(file.read_text())
    return found


def keep(release: str, seed: int, frames: list[Frame], found: list[str]) -> None:
    """Put them there, in one step."""
    file = _file(release, seed, frames)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".writing")
    scratch.write_text(json.dumps(found, indent=0))
    scratch.replace(file)


def _file(release: str, seed: int, frames: list[Frame]) -> Path:
    digest = hashlib.sha256(Path(outcomes.__file__).read_bytes())
    for frame in frames:
        digest.update(frame.raw)
    return cache_dir() / "malformed" / f"{release}-{seed}-{digest.hexdigest()[:16]}.json"
