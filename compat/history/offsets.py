"""Whether offsets that clients were told go back: the latest of a partition, the committed one of a group.

Both are judged in real time: only an operation that had ended before another began must show in it.
"""

from collections import defaultdict
from collections.abc import Iterator

from compat.history.finding import Anomaly, Finding
from compat.history.history import History
from compat.history.operations import Commit, CommitRead, LatestOffset, Outcome, Partition


def check_offsets(history: History) -> Iterator[Finding]:
    """Findings about offsets that were told."""
    yield from _latest_offsets(history)
    yield from _commits(history)


def _latest_offsets(history: History) -> Iterator[Finding]:
    told: defaultdict[Partition, list[LatestOffset]] = defaultdict(list)
    for operation in history.of(LatestOffset):
        told[operation.partition].append(operation)
    for partition, answers in told.items():
        ended = iter(sorted(answers, key=lambda answer: answer.ended_s))
        pending = next(ended, None)
        highest: LatestOffset | None = None
        for answer in sorted(answers, key=lambda answer: answer.started_s):
            while pending is not None and pending.ended_s < answer.started_s:
                if highest is None or pending.offset > highest.offset:
                    highest = pending
                pending = next(ended, None)
            if highest is not None and answer.offset < highest.offset:
                before = f"{highest.process} was told {highest.offset} at {highest.ended_s:.3f}"
                detail = f"{before}, {answer.process} then {answer.offset} at {answer.ended_s:.3f}"
                yield Finding(Anomaly.LATEST_OFFSET_WENT_BACK, partition, detail)


def _commits(history: History) -> Iterator[Finding]:
    """A group's position is a register: a read has a write that no other write has certainly overtaken.

    A coordinator that was deposed and does not know it yet tells what it knew, as Kafka's does: there are no
    leader epochs in the requests of groups.
    """
    commits: defaultdict[tuple[str, Partition], list[Commit]] = defaultdict(list)
    for commit in history.of(Commit):
        if commit.outcome is not Outcome.REFUSED:
            commits[commit.group, commit.partition].append(commit)
    for read in history.of(CommitRead):
        candidates = commits[read.group, read.partition]
        certain = [each for each in candidates if _must_show(read, each)]
        possible = [each for each in candidates if each.started_s < read.ended_s]
        if any(each.offset == read.offset and not _overtaken(each, certain) for each in possible):
            continue
        if read.offset < 0 and not certain:
            continue
        last = max(certain, key=lambda each: each.ended_s, default=None)
        expected = f"after {last.offset} by {last.process} at {last.ended_s:.3f}" if last else "though none"
        detail = f"{read.process} read {read.offset} of {read.group} at {read.ended_s:.3f} {expected}"
        yield Finding(Anomaly.COMMIT_WENT_BACK, read.partition, detail)


def _must_show(read: CommitRead, commit: Commit) -> bool:
    asked, done = read.coordinator_epoch, commit.coordinator_epoch
    if asked is not None and done is not None and asked < done:
        return False
    return commit.outcome is Outcome.DONE and commit.ended_s < read.started_s


def _overtaken(commit: Commit, certain: list[Commit]) -> bool:
    return commit.outcome is Outcome.DONE and any(other.started_s > commit.ended_s for other in certain)
