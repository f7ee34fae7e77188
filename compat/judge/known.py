"""Differences that are meant, each with its reason: ``compat/known_differences.toml``.

    [[difference]]
    release = "3.9"                      one of the judging releases, or "*"
    scenario = "describe_configs.*"      name, or a pattern with *
    field = "results[0].configs*"        path, or a pattern with *; brackets stand for themselves
    reason = "…"

The file can only shrink: an entry that no longer meets a difference fails the run.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compat.judge.differences import Difference

FILE: Final = Path(__file__).parent.parent / "known_differences.toml"


@dataclass(frozen=True, slots=True)
class KnownDifference:
    """One entry; patterns know only ``*``."""

    release: str
    scenario: str
    field: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        return (
            _matches(self.release, difference.release)
            and _matches(self.scenario, difference.scenario)
            and _matches(self.field, difference.path)
        )

    def was_asked(self, release: str, scenarios: Iterable[str]) -> bool:
        """Whether a run of these scenarios should have met it."""
        return _matches(self.release, release) and any(_matches(self.scenario, each) for each in scenarios)


def known_differences(file: Path = FILE) -> list[KnownDifference]:
    """Read the file; raises ``ValueError`` for an entry without a reason."""
    entries = tomllib.loads(file.read_text()).get("difference", [])
    known = [KnownDifference(**entry) for entry in entries]
    for each in known:
        if not each.reason.strip():
            raise ValueError(f"{each.scenario} {each.field} is known without a reason")
    return known


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
