"""Clients run once against the same code, and again when it changes; a run that says nothing is an error."""

import subprocess
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from compat.clients.client import all_clients
from compat.clients.results import Result, Results
from compat.report import client_runs

CLIENTS = list(all_clients()[:2])


@dataclass
class Runner:
    """Stands for `compat.clients`: what it was asked for, and who has no result afterwards."""

    brokers: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    results: Results = field(default_factory=Results)

    def run(self, command, **_):
        broker = command[command.index("--broker") + 1]
        self.brokers.append(broker)
        names = {word for before, word in pairwise(command) if before == "--only"}
        self.results.add(Result(broker, name, "produce-gzip", True, "", 0.1) for name in names - self.silent)


@pytest.fixture
def runner(monkeypatch):
    found = Runner()
    monkeypatch.setattr(subprocess, "run", found.run)
    monkeypatch.setattr(Results, "read", lambda: found.results)
    return found


def run(tmp_path):
    client_runs.run_clients(CLIENTS, lambda _: None, tmp_path / "stamps.json")


def test_what_has_run_does_not_run_again(runner, tmp_path):
    run(tmp_path)
    run(tmp_path)
    assert runner.brokers == list(client_runs.BROKERS)


def test_only_odradek_is_asked_again_when_odradek_changes(runner, tmp_path, monkeypatch):
    for code in ("old", "new"):
        del runner.brokers[:]
        monkeypatch.setattr(
            client_runs, "fingerprint", lambda *folders, code=code: code if "src/odradek" in folders else ""
        )
        run(tmp_path)
    assert runner.brokers == ["odradek-3.9", "odradek-4.3"]


def test_a_run_without_a_result_is_an_error_and_runs_again(runner, tmp_path):
    runner.silent.add(CLIENTS[1].name)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=CLIENTS[1].name):
            run(tmp_path)
    assert runner.brokers == ["kafka-3.9", "kafka-3.9"]
