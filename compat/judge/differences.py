"""Where two transcripts differ, field by field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compat.judge.normalisation import name_of
from compat.judge.transcript import Tree

ABSENT: Final = "(default)"
"""Stands for a field that has its default, which transcripts leave out."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one answer; values as compact text."""

    release: str
    scenario: str
    version: int
    step: str
    path: str
    kafka: str
    here: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is a difference of, at whichever versions: scenario, step, field."""
        return self.scenario, self.step, self.path


def compare(kafka: Tree, here: Tree, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Every place where two trees differ: its path and both values."""
    if isinstance(kafka, dict) and isinstance(here, dict):
        for key in [*kafka, *(each for each in here if each not in kafka)]:
            yield from compare(
                kafka.get(key, ABSENT), here.get(key, ABSENT), f"{path}.{key}" if path else key
            )
    elif isinstance(kafka, list) and isinstance(here, list):
        if kafka != here and sorted(map(repr, kafka)) == sorted(map(repr, here)):
            yield f"{path}.order", _order(kafka), _order(here)
            return
        if len(kafka) != len(here):
            yield f"{path}.length", str(len(kafka)), str(len(here))
            if any(isinstance(row, dict) for row in (*kafka, *here)):
                theirs, ours = ({name_of(row): row for row in rows} for rows in (kafka, here))
                yield from compare(theirs, ours, path)
                return
        for index, (theirs, ours) in enumerate(zip(kafka, here, strict=False)):
            yield from compare(theirs, ours, f"{path}[{index}]")
    elif kafka != here or type(kafka) is not type(here):
        yield path, _text(kafka), _text(here)


def compare_transcripts(kafka: Sequence[Tree], here: Sequence[Tree]) -> Iterator[tuple[str, str, str, str]]:
    """As ``compare``, with the step that each difference is in: ``2 PRODUCE``."""
    for index in range(max(len(kafka), len(here))):
        theirs: Any = kafka[index] if index < len(kafka) else {"event": "nothing more"}
        ours: Any = here[index] if index < len(here) else {"event": "nothing more"}
        sent = str(theirs.get("sent") or theirs.get("noted") or ours.get("sent") or ours.get("noted") or "")
        step = f"{index + 1} {sent.partition(' ')[0]}".strip()
        for path, kafka_value, our_value in compare(theirs, ours):
            if path not in ("sent", "noted"):
                yield step, path.removeprefix("answer").lstrip("."), kafka_value, our_value


def _order(rows: list[Any]) -> str:
    return f"[{', '.join(map(name_of, rows))}]"


def _text(value: Tree) -> str:
    text = repr(value)
    return value if value == ABSENT else text if len(text) <= 200 else f"{text[:197]}..."
