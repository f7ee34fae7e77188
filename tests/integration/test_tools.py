"""Kafka's own command-line tools cannot tell us from Kafka: the same session, the same transcript.

The judges are real Kafka 3.9.2, which Odradek is by default, and 4.3.0, which it is when told so.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import pytest

from compat.odradek import Odradek
from compat.oracle.kafka import RealKafka, kafka
from compat.oracle.tools import ToolHost
from tests.integration.tool_sessions import SESSIONS, internal_topics_are_read
from tests.integration.transcript import Transcript

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("tools")]

RELEASES = ("3.9.2", "4.3.0")


@dataclass(slots=True)
class Pair:
    """A real Kafka and an Odradek that emulates it, which have seen the same sessions and nothing else."""

    judge: RealKafka
    subject: Odradek
    is_in_step: bool = True
    """Whether each session was played to its end and answered alike."""


class Pairs:
    """One pair at a time: a session that went wrong at one broker leaves nothing to compare the next by."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._running = ExitStack()
        self._pair: Pair | None = None

    def in_step(self) -> Pair:
        """The pair there is, or a new one in the place of one that is not in step."""
        if self._pair is None or not self._pair.is_in_step:
            self.close()
            judge = self._running.enter_context(kafka(self._release))
            emulated = {"odradek.emulate": self._release.rpartition(".")[0]}
            self._pair = Pair(judge, self._running.enter_context(Odradek(overrides=emulated)))
        return self._pair

    def close(self) -> None:
        self._pair = None
        self._running.close()


@pytest.fixture(scope="module")
def pairs(request: pytest.FixtureRequest) -> Iterator[Pairs]:
    pairs = Pairs(request.param)
    yield pairs
    pairs.close()


@pytest.fixture
def pair(pairs: Pairs) -> Pair:
    return pairs.in_step()


@pytest.fixture
def tools(request: pytest.FixtureRequest) -> ToolHost:
    host: ToolHost = request.getfixturevalue("tools_" + request.param.replace(".", ""))
    return host


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
@pytest.mark.parametrize("tools", RELEASES, indirect=True, ids=lambda release: f"tools-{release}")
@pytest.mark.parametrize("pairs", RELEASES, indirect=True, ids=lambda release: f"like-{release}")
def test_a_session_reads_the_same_at_odradek_as_at_kafka(
    session: Callable[[Transcript], None], tools: ToolHost, pair: Pair, tmp_path: Path
) -> None:
    theirs, ours = play(session, tools, pair, tmp_path)
    assert ours == theirs, "\n".join(unified_diff(theirs, ours, "Kafka", "Odradek", lineterm=""))


@pytest.mark.parametrize("tools", RELEASES, indirect=True, ids=lambda release: f"tools-{release}")
@pytest.mark.parametrize("pairs", ["3.9.2"], indirect=True, ids=lambda release: f"like-{release}")
def test_the_internal_topics_read_the_same(tools: ToolHost, pair: Pair, tmp_path: Path) -> None:
    """Odradek writes the internal records of 3.9 whatever it emulates; 4.x writes newer versions of some."""
    theirs, ours = play(internal_topics_are_read, tools, pair, tmp_path)
    assert ours == theirs, "\n".join(unified_diff(theirs, ours, "Kafka", "Odradek", lineterm=""))


def play(
    session: Callable[[Transcript], None], tools: ToolHost, pair: Pair, scratch: Path
) -> tuple[list[str], list[str]]:
    """Play a session at both brokers at the same time; returns the judge's lines and ours."""
    transcripts = []
    pair.is_in_step = False
    for name, broker in (("kafka", pair.judge), ("odradek", pair.subject)):
        (scratch / name).mkdir()
        transcripts.append(Transcript(tools, broker, scratch / name))
    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(session, transcript) for transcript in transcripts]:
            done.result()
    theirs, ours = (transcript.text.splitlines() for transcript in transcripts)
    pair.is_in_step = theirs == ours
    return theirs, ours
