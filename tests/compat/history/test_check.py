"""A correct Kafka's histories have no findings; each anomaly, planted in one, is found."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.history.check import check
from compat.history.finding import Anomaly
from compat.history.history import FinalLog, History
from compat.history.operations import (
    NEVER,
    Commit,
    CommitRead,
    LatestOffset,
    Outcome,
    Partition,
    Poll,
    Reposition,
    Seen,
    Write,
)
from compat.history.replicas import ReplicaLog
from odradek.records.builder import build_batch
from odradek.records.record import Record
from tests.compat.history.model import Model

P = Partition("orders", 0)
WRITTEN = ("a", "b", "c", "d")


@given(st.integers(), st.integers(0, 60))
def test_a_correct_kafka_has_no_findings(seed, steps):
    assert check(Model(Random(seed)).run(steps)) == []


def faultless() -> History:
    """Four records by one producer, given to a group's consumer in two polls, with its position committed."""
    history = History()
    for number, value in enumerate(WRITTEN):
        history.add(Write("p", number, P, value, number, number + 0.5, Outcome.DONE, number))
    history.add(Reposition("c", 5, frozenset({P})))
    history.add(Poll("c", 5, 6, (Seen(P, 0, "a"), Seen(P, 1, "b")), "g"))
    history.add(LatestOffset("c", P, 4, 6, 6.5))
    history.add(Commit("c", "g", P, 2, 7, 8, Outcome.DONE))
    history.add(Poll("c", 8, 9, (Seen(P, 2, "c"), Seen(P, 3, "d")), "g"))
    history.add(CommitRead("c", "g", P, 2, 9, 10))
    history.final[P] = FinalLog(0, 4, tuple(Seen(P, offset, value) for offset, value in enumerate(WRITTEN)))
    history.drained_groups.add("g")
    log = ReplicaLog(0, 4, {offset: value.encode() for offset, value in enumerate(WRITTEN)})
    history.replicas[P] = {1: log, 2: log}
    return history


def final(history: History, *values: str | None) -> None:
    """What the final reading found at each offset."""
    records = tuple(Seen(P, offset, value) for offset, value in enumerate(values) if value is not None)
    history.final[P] = FinalLog(0, len(values), records)


def lose_the_last(history: History) -> None:
    final(history, "a", "b", "c")
    history.operations = [each for each in history.operations if not isinstance(each, Poll)]
    history.drained_groups.clear()


def lose_one_that_a_consumer_went_past(history: History) -> None:
    history.final.clear()
    history.operations[5:] = [Poll("c", 5, 6, (Seen(P, 0, "a"), Seen(P, 2, "c"), Seen(P, 3, "d")))]
    history.drained_groups.clear()


def write_twice(history: History) -> None:
    final(history, *WRITTEN, "a")
    history.drained_groups.clear()


def swap(history: History) -> None:
    """Without offsets in the acknowledgements and without polls: only the order of sending shows it."""
    writes = [replace(write, offset=-1) for write in history.of(Write)]
    history.operations = list(writes)
    final(history, "a", "c", "b", "d")
    history.drained_groups.clear()


def refuse(history: History) -> None:
    history.operations[3] = replace(next(history.of(Write)), number=3, value="d", outcome=Outcome.REFUSED)


def never_write(history: History) -> None:
    history.operations.pop(3)


def acknowledge_elsewhere(history: History) -> None:
    history.operations[3] = Write("p", 3, P, "d", 3, 3.5, Outcome.DONE, 7)


def change(history: History) -> None:
    history.add(Poll("other", 10, 11, (Seen(P, 1, "c"),)))


def give_again(history: History) -> None:
    history.add(Poll("c", 10, 11, (Seen(P, 3, "d"),)))


def leave_out(history: History) -> None:
    history.operations[6 - 1] = Poll("c", 5, 6, (Seen(P, 0, "a"),), "g")
    history.add(Reposition("c", 11, frozenset({P})))
    history.add(Poll("c", 11, 12, (Seen(P, 1, "b"),), "g"))


def take_back(history: History) -> None:
    final(history, "a", "b", "c")


def deliver_no_more(history: History) -> None:
    history.operations = [each for each in history.operations if getattr(each, "ended_s", 0) != 9]


def tell_less(history: History) -> None:
    history.add(LatestOffset("other", P, 3, 7, 7.5))


def forget_the_commit(history: History) -> None:
    history.add(CommitRead("other", "g", P, -1, 11, 12))


def overtake_the_commit(history: History) -> None:
    history.add(Commit("c", "g", P, 4, 11, 12, Outcome.DONE))
    history.add(CommitRead("c", "g", P, 2, 13, 14))


def diverge(history: History) -> None:
    log = history.replicas[P][1]
    history.replicas[P] = {1: log, 2: replace(log, batches={**log.batches, 2: b"other"})}


def lack(history: History) -> None:
    log = history.replicas[P][1]
    history.replicas[P] = {1: log, 2: replace(log, batches={0: b"a", 3: b"d"}, high_watermark=0)}


def batch(number: int, *, epoch: int = 0, at: int | None = None) -> bytes:
    """The record with a sequence number, at the offset of that number or another."""
    offset = number if at is None else at
    return sequenced(Record(offset, 0, None, WRITTEN[number].encode()), epoch, number)


def sequenced(record: Record, epoch: int, sequence: int) -> bytes:
    return bytes(
        build_batch(
            [record],
            base_offset=record.offset,
            producer_id=7,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
    )


def keep(history: History, *batches: bytes) -> None:
    """What the files of both replicas hold, one record a batch, from offset 0."""
    log = ReplicaLog(0, len(batches), dict(enumerate(batches)))
    history.replicas[P] = {1: log, 2: log}


def write_twice_in_one_epoch(history: History) -> None:
    write_twice(history)
    keep(history, *map(batch, range(4)), batch(0, at=4))


def repeat_a_sequence(history: History) -> None:
    keep(history, batch(0), batch(1), batch(1, at=2), batch(2, at=3))


def leave_a_sequence_out(history: History) -> None:
    keep(history, batch(0), batch(2, at=1))


def begin_an_epoch_midway(history: History) -> None:
    keep(history, batch(0), batch(1, epoch=1))


def write_in_an_old_epoch(history: History) -> None:
    keep(history, batch(0, epoch=1), batch(1, epoch=0))


@pytest.mark.parametrize(
    ("plant", "anomaly"),
    [
        (lose_the_last, Anomaly.LOST_WRITE),
        (lose_one_that_a_consumer_went_past, Anomaly.LOST_WRITE),
        (write_twice, Anomaly.DUPLICATE),
        (write_twice_in_one_epoch, Anomaly.DUPLICATE),
        (repeat_a_sequence, Anomaly.DUPLICATE),
        (leave_a_sequence_out, Anomaly.SEQUENCE_GAP),
        (begin_an_epoch_midway, Anomaly.SEQUENCE_GAP),
        (write_in_an_old_epoch, Anomaly.FENCED_BUT_WRITTEN),
        (swap, Anomaly.REORDERED_WRITES),
        (refuse, Anomaly.REFUSED_BUT_WRITTEN),
        (never_write, Anomaly.NEVER_WRITTEN),
        (acknowledge_elsewhere, Anomaly.WRONG_OFFSET),
        (change, Anomaly.TWO_VALUES),
        (give_again, Anomaly.REORDERED_POLL),
        (leave_out, Anomaly.SKIPPED_POLL),
        (take_back, Anomaly.VANISHED),
        (deliver_no_more, Anomaly.UNDELIVERED),
        (tell_less, Anomaly.LATEST_OFFSET_WENT_BACK),
        (forget_the_commit, Anomaly.COMMIT_WENT_BACK),
        (overtake_the_commit, Anomaly.COMMIT_WENT_BACK),
        (diverge, Anomaly.DIVERGENT_REPLICAS),
        (lack, Anomaly.DIVERGENT_REPLICAS),
    ],
)
def test_a_planted_anomaly_is_found(plant: Callable[[History], None], anomaly: Anomaly):
    history = faultless()
    assert check(history) == []
    plant(history)
    assert anomaly in {finding.anomaly for finding in check(history)}


def test_every_anomaly_is_planted_above():
    marks = test_a_planted_anomaly_is_found.pytestmark
    assert {anomaly for _, anomaly in marks[0].args[1]} == set(Anomaly)


def test_a_write_that_was_never_answered_may_be_there_or_not():
    for values in (WRITTEN, (*WRITTEN, "e")):
        history = faultless()
        history.add(Write("p", 4, P, "e", 4, NEVER, Outcome.UNKNOWN))
        final(history, *values)
        history.drained_groups.clear()
        assert check(history) == []


def test_a_producer_that_is_not_idempotent_may_repeat_itself():
    history = faultless()
    history.operations[0] = replace(next(history.of(Write)), idempotent=False)
    write_twice(history)
    assert check(history) == []


def test_a_client_that_begins_a_new_epoch_may_send_its_records_again():
    history = faultless()
    write_twice(history)
    keep(history, *map(batch, range(4)), batch(0, epoch=1, at=4))
    assert check(history) == []


def test_a_record_again_under_an_epoch_that_no_file_tells_is_a_duplicate():
    history = faultless()
    write_twice(history)
    keep(history, *map(batch, range(4)))
    assert {finding.anomaly for finding in check(history)} == {Anomaly.DUPLICATE}


def test_sequence_numbers_begin_again_behind_the_last_there_can_be():
    history = faultless()
    last = sequenced(Record(0, 0, None, b"a"), 0, (1 << 31) - 1)
    keep(history, last, *(batch(number - 1, at=number) for number in (1, 2, 3)))
    assert check(history) == []


def test_what_the_log_start_offset_has_passed_is_not_missed():
    history = faultless()
    history.final[P] = FinalLog(2, 4, history.final[P].records[2:])
    assert check(history) == []


def test_questions_that_overlap_may_be_answered_in_any_order():
    history = faultless()
    history.add(LatestOffset("other", P, 3, 6.2, 7))
    history.add(Commit("c", "g", P, 4, 11, 12, Outcome.DONE))
    history.add(CommitRead("c", "g", P, 2, 11.5, 14))
    assert check(history) == []


def test_a_replica_that_is_behind_is_compared_as_far_as_it_goes():
    history = faultless()
    log = history.replicas[P][1]
    history.replicas[P] = {1: log, 2: ReplicaLog(1, 2, {1: b"b"})}
    assert check(history) == []


def test_a_finding_says_who_saw_what():
    history = faultless()
    tell_less(history)
    (finding,) = check(history)
    expected = "the latest offset went back: orders-0: c was told 4 at 6.500, other then 3 at 7.500"
    assert str(finding) == expected


@pytest.mark.parametrize(("asked_in", "is_found"), [(1, False), (2, True), (None, True)])
def test_a_deposed_coordinator_tells_what_it_knew(asked_in, is_found):
    history = faultless()
    history.add(Commit("c", "g", P, 4, 11, 12, Outcome.DONE, coordinator_epoch=2))
    history.add(CommitRead("c", "g", P, 2, 13, 14, coordinator_epoch=asked_in))
    found = [finding.anomaly for finding in check(history)]
    assert (Anomaly.COMMIT_WENT_BACK in found) == is_found
