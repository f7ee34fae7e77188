"""CI's slice of the compatibility suite: Odradek against what real Kafka answered, and broken Odradeks."""

import os
from pathlib import Path

import pytest

from compat.judge.__main__ import main
from compat.judge.coverage import coverage
from compat.judge.judgment import runs
from compat.judge.recordings import Recordings
from compat.judge.scenario import all_scenarios

pytestmark = pytest.mark.integration

BROKEN = """
import inspect

from odradek.api import {module}

answer_rightly = {module}.api.handle

async def answer(request, ctx):
    response = answer_rightly(request, ctx)
    if inspect.isawaitable(response):
        response = await response
    {harm}
    return response

{module}.api.handle = answer
"""


@pytest.mark.parametrize("release", ["3.9", "4.3"])
def test_odradek_answers_as_kafka_does(release: str, capsys: pytest.CaptureFixture[str]) -> None:
    right = main(["--replay", "--release", release]) == 0
    report = capsys.readouterr().out
    assert right, report
    assert " 0 not recorded" in report


@pytest.mark.parametrize("release", ["3.9", "4.3"])
def test_the_scenarios_reach_every_version_and_every_code(release: str) -> None:
    scenarios = list(all_scenarios())
    found = coverage(runs(scenarios, release), Recordings(release), release)
    judged = {each.api for each in scenarios}
    assert [pair for pair in found.without_success() if pair[0] in judged] == []
    assert found.codes_not_reached() == {}
    assert found.codes_not_listed() == {}


@pytest.mark.parametrize(
    ("module", "harm", "found"),
    [
        (
            "heartbeat",
            "response.error_code = 22 if response.error_code == 25 else response.error_code",
            "HEARTBEAT  error_code: Kafka 25, here 22",
        ),
        (
            "list_offsets",
            "response.topics[0].partitions[0].offset += 1",
            "LIST_OFFSETS  topics[0].partitions[0].offset: Kafka 3, here 4",
        ),
        (
            "describe_cluster",
            "response.brokers = []",
            "DESCRIBE_CLUSTER  brokers: Kafka [{'host': 'localhost'",
        ),
    ],
    ids=["a wrong error code", "a wrong offset", "a dropped field"],
)
def test_a_broken_handler_is_found(
    module: str,
    harm: str,
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Python imports this module by itself when a process begins: the broker's, which we start.
    (tmp_path / "sitecustomize.py").write_text(BROKEN.format(module=module, harm=harm))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert main(["--replay", "--release", "4.3", "--only", module]) == 1
    assert found in capsys.readouterr().out
