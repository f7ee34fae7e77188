"""What the recordings of real Kafka reach: which versions succeed, which error codes each API gives.

A version is covered by success when an answer of its API at that version holds no error code.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from compat.judge.judgment import Run
from compat.judge.provokable import provokable
from compat.judge.recordings import Recordings
from compat.judge.transcript import Tree, error_codes
from odradek.api.gaps import GAPS
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.releases import advertised_api_versions


@dataclass(slots=True)
class Coverage:
    """What has been reached in one release."""

    release: str
    succeeded: set[tuple[ApiKey, int]] = field(default_factory=set)
    codes: dict[ApiKey, set[ErrorCode]] = field(default_factory=lambda: defaultdict(set))
    outcomes: dict[tuple[ApiKey, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    """How each version was refused, or `""` where it was answered."""

    def count(self, run: Run, transcript: list[Tree]) -> None:
        """Add what one recorded run reaches of its own API."""
        for step in transcript:
            if isinstance(step, dict) and self._is_about(run.scenario.api, step):
                self.outcomes[run.scenario.api, run.version].add(_refusal(step))
            if isinstance(step, dict) and "answer" in step and self._is_about(run.scenario.api, step):
                found = set(error_codes(step["answer"]))
                if not found and "sent" in step:
                    self.succeeded.add((run.scenario.api, run.version))
                self.codes[run.scenario.api] |= found

    @staticmethod
    def _is_about(api: ApiKey, step: dict[str, Any]) -> bool:
        return "noted" in step or step.get("sent") == api.name

    def offered(self) -> list[tuple[ApiKey, int]]:
        """Every version of what Odradek serves, scenario or not, but for those that the release refuses."""
        refused = self.refused()
        return [
            (api, version)
            for api, offered in advertised_api_versions(self.release).items()
            if api not in GAPS
            for version in range(offered.lowest, offered.highest + 1)
            if (api, version) not in refused
        ]

    def refused(self) -> dict[tuple[ApiKey, int], str]:
        """What the release advertises and yet refuses whatever it is sent, and how: Kafka's own oddities."""
        return {pair: min(found) for pair, found in self.outcomes.items() if len(found) == 1 and min(found)}

    def without_success(self) -> list[tuple[ApiKey, int]]:
        return [pair for pair in self.offered() if pair not in self.succeeded]

    def codes_not_reached(self) -> dict[ApiKey, list[ErrorCode]]:
        """Codes that a client can provoke and that no scenario has."""
        ranges = advertised_api_versions(self.release)
        left = {
            api: sorted(codes - self.codes[api])
            for api, codes in provokable(self.release).items()
            if api in ranges and api not in GAPS
        }
        return {api: codes for api, codes in left.items() if codes}

    def codes_not_listed(self) -> dict[ApiKey, list[ErrorCode]]:
        """Codes that were reached though the table of provokable codes lacks them."""
        listed = provokable(self.release)
        left = {
            api: sorted(codes - listed.get(api, frozenset()))
            for api, codes in self.codes.items()
            if api not in GAPS
        }
        return {api: codes for api, codes in left.items() if codes}


def _refusal(step: dict[str, Any]) -> str:
    """How a step was refused for its version; empty when it was not."""
    if step.get("event") == "closed":
        return "closes the connection"
    told = set(error_codes(step.get("answer"))) == {ErrorCode.UNSUPPORTED_VERSION}
    return ErrorCode.UNSUPPORTED_VERSION.name if told else ""


def coverage(recorded: list[Run], recordings: Recordings, release: str) -> Coverage:
    """Count every run that has been recorded."""
    found = Coverage(release)
    for run in recorded:
        transcript = recordings.find(run.scenario, run.version)
        if transcript is not None:
            found.count(run, transcript)
    return found
