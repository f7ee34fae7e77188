"""What real Kafka answered: ``compat/recordings/<release>/<module>.json``, one line for each version.

{"produce.bad_crc": {
 "digest": "…",                    of the scenario and of what records; another one makes it stale
 "3": [{"sent": "PRODUCE", "answer": {…}}],
 "4": "3"}}                        the same as at version 3
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from compat.judge.normalisation import Normalisation
from compat.judge.scenario import Scenario
from compat.judge.transcript import Tree

HOME: Final = Path(__file__).parent.parent / "recordings"
_RECORDERS: Final = ("session.py", "transcript.py")


class Recordings:
    """The transcripts of one release, read when first asked for and written after each new one."""

    def __init__(self, release: str, home: Path = HOME) -> None:
        self._home = home / release
        self._modules: dict[str, dict[str, dict[str, Any]]] = {}
        self._changed: set[str] = set()
        self._digests: dict[str, str] = {}

    def find(self, scenario: Scenario, version: int) -> list[Tree] | None:
        """The transcript, with today's rules applied; ``None`` when there is none or it is stale."""
        kept = self._module(scenario).get(scenario.name, {})
        if kept.get("digest") != self._digest(scenario):
            return None
        transcript = kept.get(str(version))
        if isinstance(transcript, str):
            transcript = kept[transcript]
        if transcript is None:
            return None
        applied = Normalisation().apply(transcript)
        assert isinstance(applied, list)
        return applied

    def keep(self, scenario: Scenario, version: int, transcript: list[Tree]) -> None:
        """Put a transcript in the place of an older one."""
        module = self._module(scenario)
        digest = self._digest(scenario)
        if module.get(scenario.name, {}).get("digest") != digest:
            module[scenario.name] = {"digest": digest}
        module[scenario.name][str(version)] = transcript
        self._changed.add(_module_name(scenario))

    def forget_others(self, scenarios: list[Scenario]) -> None:
        """Drop recordings of scenarios that do not exist any more."""
        names = {each.name for each in scenarios}
        for file in sorted(self._home.glob("*.json")):
            module = self._load(file.stem)
            gone = module.keys() - names
            for name in gone:
                del module[name]
            if gone:
                self._changed.add(file.stem)

    def write(self) -> None:
        """Save what changed."""
        self._home.mkdir(parents=True, exist_ok=True)
        for name in sorted(self._changed):
            scenarios = (_scenario_text(key, kept) for key, kept in sorted(self._modules[name].items()))
            text = "{" + ",\n".join(scenarios) + "}\n"
            scratch = self._home / f".{name}.json"
            scratch.write_text(text)
            scratch.replace(self._home / f"{name}.json")
        self._changed.clear()

    def _module(self, scenario: Scenario) -> dict[str, dict[str, Any]]:
        return self._load(_module_name(scenario))

    def _load(self, name: str) -> dict[str, dict[str, Any]]:
        if name not in self._modules:
            file = self._home / f"{name}.json"
            self._modules[name] = json.loads(file.read_text()) if file.exists() else {}
        return self._modules[name]

    def _digest(self, scenario: Scenario) -> str:
        if scenario.name not in self._digests:
            self._digests[scenario.name] = f"{_recorders_digest()}-{scenario.digest()}"
        return self._digests[scenario.name]


def _module_name(scenario: Scenario) -> str:
    return scenario.name.partition(".")[0]


def _recorders_digest() -> str:
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in _RECORDERS)).hexdigest()[:8]


def _scenario_text(name: str, kept: dict[str, Any]) -> str:
    versions: list[str] = [f' "digest": {json.dumps(kept["digest"])}']
    written: dict[str, str] = {}
    for version in sorted((key for key in kept if key != "digest"), key=int):
        transcript = kept[version]
        if not isinstance(transcript, str):
            text = json.dumps(transcript, separators=(",", ":"), ensure_ascii=False)
            transcript = written.setdefault(text, version)
            if transcript == version:
                versions.append(f' "{version}": {text}')
                continue
        versions.append(f' "{version}": "{transcript}"')
    return f"{json.dumps(name)}: {{\n" + ",\n".join(versions) + "}"
