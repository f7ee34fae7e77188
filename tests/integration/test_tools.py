"""Kafka's own command-line tools cannot tell us from Kafka: the same session, the same transcript.

The judges are real Kafka 3.9.2, which Odradek is by default, and 4.3.0, which it is when told so.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import RealKafka, kafka
from compat.oracle.tools import ToolHost
from tests.integration.tool_sessions import SESSIONS, internal_topics_are_read
from tests.integration.transcript import Transcript

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("tools")]

RELEASES = ("3.9.2", "4.3.0")


@dataclass(frozen=True, slots=True)
class Pair:
    """A real Kafka and an Odradek that emulates it, which have seen the same sessions and nothing else."""

    judge: RealKafka
    subject: Odradek


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    emulated = request.param.rpartition(".")[0]
    with kafka(request.param) as judge, Odradek(overrides={"odradek.emulate": emulated}) as subject:
        yield Pair(judge, subject)


@pytest.fixture
def tools(request: pytest.FixtureRequest) -> ToolHost:
    host: ToolHost = request.getfixturevalue("tools_" + request.param.replace(".", ""))
    return host


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
@pytest.mark.parametrize("tools", RELEASES, indirect=True, ids=lambda release: f"tools-{release}")
@pytest.mark.parametrize("pair", RELEASES, indirect=True, ids=lambda release: f"like-{release}")
def test_a_session_reads_the_same_at_odradek_as_at_kafka(
    session: Callable[[Transcript], None], tools: ToolHost, pair: Pair, tmp_path: Path
) -> None:
    theirs, ours = play(session, tools, pair, tmp_path)
    assert ours == theirs


@pytest.mark.parametrize("tools", RELEASES, indirect=True, ids=lambda release: f"tools-{release}")
@pytest.mark.parametrize("pair", ["3.9.2"], indirect=True, ids=lambda release: f"like-{release}")
def test_the_internal_topics_read_the_same(tools: ToolHost, pair: Pair, tmp_path: Path) -> None:
    """Odradek writes the internal records of 3.9 whatever it emulates; 4.x writes newer versions of some."""
    theirs, ours = play(internal_topics_are_read, tools, pair, tmp_path)
    assert ours == theirs


def play(
    session: Callable[[Transcript], None], tools: ToolHost, pair: Pair, scratch: Path
) -> tuple[list[str], list[str]]:
    """Play a session at both brokers at the same time; returns the judge's lines and ours."""
    transcripts = []
    for name, broker in (("kafka", pair.judge), ("odradek", pair.subject)):
        (scratch / name).mkdir()
        transcripts.append(Transcript(tools, broker, scratch / name))
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(session, transcript) for transcript in transcripts]:
            done.result()
    theirs, ours = transcripts
    return theirs.text.splitlines(), ours.text.splitlines()
