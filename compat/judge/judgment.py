"""Running scenarios: real Kafka where it has not been recorded, the broker under judgment always.

Scenarios have topics and groups of their own, so several run at a time on one broker; those that restart it
have one of their own, one by one.
"""

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

from compat.judge.differences import Difference, compare_transcripts
from compat.judge.recordings import Recordings
from compat.judge.scenario import Scenario
from compat.judge.session import Broker, Session
from compat.judge.subject import Start, without_rows_of
from compat.judge.transcript import Tree, error_codes
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode

_AT_A_TIME: Final = 4
_SAVED_EVERY: Final = 100
_OF_GROUPS: Final = frozenset({
    ApiKey.JOIN_GROUP, ApiKey.SYNC_GROUP, ApiKey.HEARTBEAT, ApiKey.LEAVE_GROUP, ApiKey.OFFSET_COMMIT,
    ApiKey.OFFSET_FETCH, ApiKey.OFFSET_DELETE, ApiKey.DESCRIBE_GROUPS, ApiKey.LIST_GROUPS,
    ApiKey.DELETE_GROUPS,
})  # fmt: skip
_TRANSIENT: Final = frozenset({
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR,
})  # fmt: skip


class Transcribed(Protocol):
    """A session of any kind: what was said in it."""

    transcript: list[Tree]


@dataclass(frozen=True, slots=True)
class Run:
    """A scenario at one version as one release."""

    scenario: Scenario
    release: str
    version: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; ``broken`` is the scenario's own failure, which ended it early."""

    run: Run
    transcript: list[Tree]
    broken: str | None


def runs(scenarios: list[Scenario], release: str) -> list[Run]:
    """Every version of every scenario."""
    return [Run(each, release, version) for each in scenarios for version in each.versions(release)]


def play(todo: list[Run], start: Start) -> Iterator[Outcome]:
    """Hold the conversations, on one broker for each set of properties that they ask for.

    Where scenarios restart their broker, it is a fresh one: what others did to it must not matter. Those of
    groups come before the rest and delete no topics: Kafka takes each deletion as an occasion to forget
    every group that is empty just then, be it waiting for its first member to come back with its id.
    """
    for (properties, restarts), group in groupby(sorted(todo, key=_broker_and_phase_of), key=_broker_of):
        share = list(group)
        with start(share[0].release, dict(properties)) as broker:
            for _, phase in groupby(share, key=lambda run: run.scenario.api in _OF_GROUPS):
                with ThreadPoolExecutor(1 if restarts else _AT_A_TIME) as pool:
                    yield from pool.map(lambda run: _hold(run, broker), list(phase))


def _broker_of(run: Run) -> tuple[list[tuple[str, str]], bool]:
    """What makes two runs need two brokers."""
    return sorted(run.scenario.broker.items()), run.scenario.restarts


def _broker_and_phase_of(run: Run) -> tuple[list[tuple[str, str]], bool, bool]:
    return *_broker_of(run), run.scenario.api not in _OF_GROUPS


def _hold(run: Run, broker: Broker) -> Outcome:
    session = Session(run.scenario, run.release, run.version, broker)
    try:
        broken = played(run, session)
    finally:
        session.close(delete_topics=run.scenario.api not in _OF_GROUPS)
    return Outcome(run, session.transcript, broken or _moment_of_no_coordinator(run, session.transcript))


def played(run: Run, session: Transcribed) -> str | None:
    """Hold one conversation to its end, or note in its transcript why there was none, and return that."""
    try:
        run.scenario.play(session)
    except Exception as failure:  # noqa: BLE001 - whatever a wrong answer makes a scenario do
        broken = "".join(traceback.format_exception_only(failure)).strip()
        session.transcript.append({"noted": "the scenario broke", "answer": broken})
        return broken
    return None


def _moment_of_no_coordinator(run: Run, transcript: list[Tree]) -> str | None:
    """Why a transcript is not what the broker always answers: its coordinator was busy or moving."""
    if run.scenario.api is ApiKey.FIND_COORDINATOR:
        return None
    transient = {code.name for code in error_codes(transcript) if code in _TRANSIENT}
    return f"no answer for all times: {', '.join(sorted(transient))}" if transient else None


def record(todo: list[Run], recordings: Recordings, start: Start, tell: Callable[[Outcome], None]) -> None:
    """Ask real Kafka; what has been recorded survives an interruption. A broken scenario is not recorded."""
    try:
        for number, outcome in enumerate(play(todo, start), 1):
            tell(outcome)
            if outcome.broken is None:
                recordings.keep(outcome.run.scenario, outcome.run.version, outcome.transcript)
            if number % _SAVED_EVERY == 0:
                recordings.write()
    finally:
        recordings.write()


def judge(
    outcome: Outcome, recordings: Recordings, not_served: frozenset[ApiKey] = frozenset()
) -> list[Difference] | None:
    """How one outcome differs from real Kafka's; ``None`` when that has not been recorded."""
    run = outcome.run
    kafka = recordings.find(run.scenario, run.version)
    if kafka is None:
        return None
    return [
        Difference(run.release, run.scenario.name, run.version, *each)
        for each in compare_transcripts(without_rows_of(not_served, kafka), outcome.transcript)
    ]
