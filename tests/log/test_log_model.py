"""A log against a list: whatever is done to both, they hold the same records, and so does a reopened log."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from odradek.config.log_config import LogConfig
from odradek.records.record import read_all_records
from tests.log.batches import NOW_MS, append, batch, contents, open_log

SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=4)


class LogMachine(RuleBasedStateMachine):
    """The model: (offset, value) of each record, where each batch began, the log's bounds."""

    @initialize(segment_bytes=st.sampled_from([400, 1000, 100_000]), interval=st.sampled_from([0, 100, 4096]))
    def start(self, segment_bytes, interval):
        self.directory = Path(tempfile.mkdtemp())
        self.config = LogConfig(segment_bytes=segment_bytes, index_interval_bytes=interval)
        self.log = open_log(self.directory / "topic-0", self.config)
        self.batches: list[list[tuple[int, bytes]]] = []
        self.start_offset = self.end_offset = 0
        self.flushed = 0
        self.count = 0
        self.sequence = 0
        self.sequences: list[tuple[int, int]] = []
        """Of each batch with a producer: its offset, and the sequence that follows it."""

    def teardown(self):
        if hasattr(self, "log"):
            self.log.close_files()
            shutil.rmtree(self.directory)

    @rule(sizes=SIZES, idempotent=st.booleans(), age=st.integers(0, 50))
    def append(self, sizes, idempotent, age):
        values = [b"%d" % self.count + b"." * size for size in sizes]
        self.count += 1
        sent = batch(values, timestamp=NOW_MS + age)
        if idempotent:
            sent = batch(
                values, timestamp=NOW_MS + age, producer_id=5, producer_epoch=0, base_sequence=self.sequence
            )
            self.sequence += len(values)
            self.sequences.append((self.end_offset, self.sequence))
        append(self.log, sent, leader_epoch=self.count // 5)
        self.batches.append([(self.end_offset + number, value) for number, value in enumerate(values)])
        self.end_offset += len(values)

    @rule()
    def roll(self):
        if self.log.segments.active.size_bytes:
            self.log.roll(NOW_MS)

    @rule(share=st.floats(0, 1))
    def truncate(self, share):
        starts = [records[0][0] for records in self.batches if records[0][0] >= self.start_offset]
        if starts:
            target = starts[round((len(starts) - 1) * share)]
            self.log.truncate_to(target)
            self.batches = [records for records in self.batches if records[-1][0] < target]
            self.end_offset = target
            self.flushed = min(self.flushed, target)
            self.sequences = [(offset, sequence) for offset, sequence in self.sequences if offset < target]
            self.sequence = self.sequences[-1][1] if self.sequences else 0

    @rule(share=st.floats(0, 1))
    def delete_records(self, share):
        self.start_offset += round((self.end_offset - self.start_offset) * share)
        self.log.advance_log_start_offset(self.start_offset)

    @rule()
    def delete_old_segments(self):
        self.log.delete_old_segments()

    @rule()
    def flush(self):
        self.log.mark_flushed(self.end_offset)
        self.flushed = self.end_offset

    @rule()
    def close_and_reopen(self):
        self.log.close()
        self.reopen(clean=True)

    @rule()
    def kill_and_reopen(self):
        self.log.close_files()
        self.reopen(clean=False)

    def reopen(self, clean):
        before = self.log.producers.producers.get(5)
        epochs = self.log.leader_epochs.entries
        self.log = open_log(
            self.directory / "topic-0",
            self.config,
            clean=clean,
            recovery_point=self.flushed,
            log_start_offset=self.start_offset,
        )
        # As in Kafka, an epoch without a record may be forgotten by a restart.
        assert with_records(self.log.leader_epochs.entries, self.end_offset) == with_records(
            epochs, self.end_offset
        )
        after = self.log.producers.producers.get(5)
        # As in Kafka, a producer all of whose records were deleted may be forgotten by a restart.
        if before is not None and before.last_data_offset >= self.start_offset:
            assert after is not None
            assert after.last_sequence == before.last_sequence
            assert list(after.batches)[-1:] == list(before.batches)[-1:]

    def model(self):
        return [record for records in self.batches for record in records if record[0] >= self.start_offset]

    @invariant()
    def holds_the_same_records(self):
        if hasattr(self, "log"):
            assert contents(self.log) == self.model()

    @invariant()
    def has_the_same_bounds(self):
        if hasattr(self, "log"):
            assert (self.log.log_start_offset, self.log.log_end_offset) == (
                self.start_offset,
                self.end_offset,
            )
            assert self.log.recovery_point <= self.log.log_end_offset
            bases = self.log.segments.base_offsets
            assert bases == sorted(set(bases))
            assert bases[0] <= self.start_offset

    @rule(share=st.floats(0, 1), max_bytes=st.integers(1, 400), end_share=st.floats(0, 1))
    def read(self, share, max_bytes, end_share):
        offset = self.start_offset + round((self.end_offset - self.start_offset) * share)
        ends = [records[0][0] for records in self.batches if records[0][0] > offset] + [self.end_offset]
        end = ends[round((len(ends) - 1) * end_share)]
        with self.log.read(offset, max_bytes=max_bytes, end_offset=end, min_one_batch=True) as slice_:
            found = [(record.offset, record.value) for record in read_all_records(slice_.view())]
        expected = [record for records in self.batches for record in records if offset <= record[0] < end]
        found = [record for record in found if record[0] >= offset]
        assert found == expected[: len(found)]
        assert bool(found) == bool(expected)


def with_records(epochs, end_offset):
    return [entry for entry in epochs if entry.start_offset < end_offset]


LogMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLog = LogMachine.TestCase
