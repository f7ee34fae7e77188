"""What came of the malformed frames: `compat/results/malformed.json`, release → the latest attack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from compat.malformed.attack import attack
from compat.report.fingerprint import fingerprint

RESULTS: Final = Path(__file__).parent.parent / "results" / "malformed.json"
SEED: Final = 4
FRAMES: Final = 2000


def attacks(path: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """The latest results, by release."""
    found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def attack_release(release: str, path: Path = RESULTS) -> None:
    """Throw the frames unless that has been done with today's code."""
    found = attacks(path)
    digest = fingerprint("src/odradek", "compat/malformed")
    if found.get(release, {}).get("digest") == digest:
        return
    result = attack(release, SEED, FRAMES)
    found[release] = {
        "digest": digest,
        "seed": SEED,
        "frames": result.frames,
        "survived": result.is_survived,
        "known": result.known,
        "growth_mib": round(result.growth_bytes / (1 << 20), 1),
        "differences": [str(each) for each in result.differences],
        "slow": list(result.slow),
        "bugs": list(result.bugs),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
