"""Frames thrown at Odradek, one after the other, and what that costs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psutil

from compat.judge.brokers import ORACLES, make_ready
from compat.malformed.frames import Frame, frames
from compat.malformed.known import KNOWN
from compat.malformed.outcomes import BROKER, Target
from compat.malformed.recordings import keep, recorded
from compat.odradek import Odradek
from compat.oracle.kafka import SINGLE_BROKER, kafka

MOST_CPU_S: Final = 0.5
"""For one frame of at most some kilobytes, decompression bombs included."""

MOST_GROWTH_BYTES: Final = 48 << 20
"""Of resident memory over all frames, once a first part of them has loaded what there is to load."""

_SHOWN_BYTES: Final = 300
_WARM_UP: Final = 0.3
_BUGS: Final = ("Unexpected error", "Traceback", '"level":"error"', '"level": "error"')


@dataclass(frozen=True, slots=True)
class Difference:
    """A frame of which Odradek makes something else than real Kafka."""

    frame: Frame
    kafka: str
    odradek: str

    def __str__(self) -> str:
        told = {"Kafka": self.kafka, "Odradek": self.odradek, "bytes": self.frame.raw[:_SHOWN_BYTES].hex()}
        return "\n".join([str(self.frame), *(f"  {name:8} {what}" for name, what in told.items())])


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of it."""

    frames: int
    differences: tuple[Difference, ...]
    known: int
    slow: tuple[str, ...]
    growth_bytes: int
    bugs: tuple[str, ...]

    @property
    def is_survived(self) -> bool:
        return not (self.differences or self.slow or self.bugs) and self.growth_bytes <= MOST_GROWTH_BYTES

    def __str__(self) -> str:
        parts = [
            f"{self.frames} frames, {len(self.differences)} differences, {self.known} known ones, "
            f"{self.growth_bytes >> 10} KiB more memory",
            *map(str, self.differences),
            *self.slow,
            *self.bugs,
        ]
        return "\n".join(parts)


def attack(release: str, seed: int, count: int) -> Attack:
    """Compare Odradek as ``release`` (3.9, 4.3) with real Kafka, which is started only if it must be."""
    thrown = list(frames(seed, count, release))
    expected = recorded(release, seed, thrown)
    if expected is None:
        with _real(release) as target:
            expected = [target.outcome(frame) for frame in thrown]
        keep(release, seed, thrown, expected)
    overrides = {**SINGLE_BROKER, **BROKER, "odradek.emulate": release, "odradek.validate.records": "full"}
    with Odradek(overrides=overrides) as broker:
        make_ready(broker.bootstrap)
        target = Target(broker.bootstrap)
        process = psutil.Process(broker.pid)
        found: list[str] = []
        slow: list[str] = []
        settled_bytes = 0
        for frame in thrown:
            before_s = _cpu_s(process)
            found.append(target.outcome(frame))
            if (cost_s := _cpu_s(process) - before_s) > MOST_CPU_S:
                slow.append(f"{frame} took {cost_s:.1f} s of CPU: {frame.raw[:_SHOWN_BYTES].hex()}")
            if len(found) == int(count * _WARM_UP):
                settled_bytes = process.memory_info().rss
        growth_bytes = process.memory_info().rss - settled_bytes
        bugs = [line[:4000] for line in broker.log_text().splitlines() if any(bug in line for bug in _BUGS)]
    differing = [
        Difference(frame, kafka, odradek)
        for frame, kafka, odradek in zip(thrown, expected, found, strict=True)
        if kafka != odradek
    ]
    new = tuple(each for each in differing if not _is_known(each))
    return Attack(len(thrown), new, len(differing) - len(new), tuple(slow), growth_bytes, tuple(bugs))


def _is_known(difference: Difference) -> bool:
    return any(known.covers(difference.frame, difference.kafka, difference.odradek) for known in KNOWN)


@contextmanager
def _real(release: str) -> Iterator[Target]:
    with kafka(ORACLES[release], overrides={**SINGLE_BROKER, **BROKER}) as broker:
        make_ready(broker.bootstrap)
        yield Target(broker.bootstrap)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
