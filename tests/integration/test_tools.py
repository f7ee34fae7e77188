"""Kafka's own command-line tools cannot tell us from Kafka: the same session, the same transcript.

The judge is a real Kafka 3.9.2, which Odradek is by default; the tools are those of 3.9.2 and of 4.3.0.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import Kafka392
from compat.oracle.tools import ToolHost
from tests.integration.tool_sessions import SESSIONS
from tests.integration.transcript import Transcript

pytestmark = [pytest.mark.integration, pytest.mark.oracle]


@pytest.fixture(scope="module")
def judge() -> Iterator[Kafka392]:
    """A Kafka 3.9.2 that has seen what ``subject`` has seen, and nothing else."""
    with Kafka392() as broker:
        yield broker


@pytest.fixture(scope="module")
def subject() -> Iterator[Odradek]:
    with Odradek() as broker:
        yield broker


@pytest.fixture(params=["3.9.2", "4.3.0"])
def tools(request: pytest.FixtureRequest) -> ToolHost:
    release: str = request.param
    host: ToolHost = request.getfixturevalue("tools_" + release.replace(".", ""))
    return host


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
def test_a_session_reads_the_same_at_odradek_as_at_kafka(
    session: Callable[[Transcript], None], tools: ToolHost, judge: Kafka392, subject: Odradek, tmp_path: Path
) -> None:
    transcripts = []
    for name, broker in (("kafka", judge), ("odradek", subject)):
        scratch = tmp_path / name
        scratch.mkdir()
        transcripts.append(Transcript(tools, broker, scratch))
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(session, transcript) for transcript in transcripts]:
            done.result()
    theirs, ours = transcripts
    assert ours.text.splitlines() == theirs.text.splitlines()
