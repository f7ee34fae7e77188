"""What `make torture` says of a seed that found something, and how that seed is looked at."""

import re
import sys

import pytest

from odradek.controller import elections
from tests.simulation import torture
from tests.simulation.simulation import simulate

_SEEDS = 20


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["torture", *arguments])
    return torture.main()


def test_a_seed_that_fails_tells_its_history_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(elections, "_first_in_sync", lambda current, replicas, online: next(iter(online), None))
        seed, found = next((each, r) for each in range(_SEEDS) if (r := simulate(each)).findings)
        assert ran(patch, "--seed", str(seed)) == 1
        told = capsys.readouterr().out.splitlines()
        assert ran(patch, "--seeds", str(_SEEDS), "--processes", "1") == 1
    bulk = capsys.readouterr().out.splitlines()
    # Who did what and when, then what is wrong with it, the same as before.
    said_at = [float(at[1]) for line in told if (at := re.match(r" *(\d+\.\d{4})  \S+ +\S", line))]
    assert len(said_at) > 20
    assert said_at == sorted(said_at)
    assert any("writes orders-0: leader" in line for line in told)
    assert told[told.index("") + 1 :] == [
        f"seed {seed}, digest {found.trace.digest}, found:",
        *found.findings,
    ]
    # In bulk the seed is named, with the beginning of what it found.
    assert bulk[bulk.index(f"seed {seed}:") + 1] == f"    {found.findings[0]}"
    assert re.fullmatch(rf"{_SEEDS} seeds from 0 on: [1-9]\d* failed, \d+ s", bulk[-1])


def test_seeds_that_find_nothing_end_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "--seeds", "2", "--first", "3", "--processes", "1") == 0
    assert capsys.readouterr().out.startswith("2 seeds from 3 on: 0 failed")
