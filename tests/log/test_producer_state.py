import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import KafkaError
from odradek.log.end_transaction_marker import EndTransactionMarker, read_marker
from odradek.log.producer_entry import BatchMetadata
from odradek.log.producer_state import ProducerState
from odradek.protocol.error_codes import ErrorCode
from odradek.records.batch import read_header
from odradek.records.validation import AppendOrigin
from tests.log.batches import NOW_MS, PARTITION, batch, marker

PID = 7


class Journal:
    """A producer state, and the offset at which the next batch goes."""

    def __init__(self):
        self.state = ProducerState(PARTITION)
        self.next_offset = 0

    def append(self, data, origin=AppendOrigin.CLIENT):
        header = read_header(data)
        end = read_marker(data, header) if header.is_control else None
        prepared = self.state.prepare([(header, self.next_offset, end)], origin)
        self.state.commit(prepared)
        for completed in prepared.completed:
            self.state.complete(completed)
        self.next_offset += header.last_offset_delta + 1
        self.state.end_offset = self.next_offset
        return prepared

    def send(
        self, sequence, count=1, epoch=0, producer_id=PID, transactional=False, origin=AppendOrigin.CLIENT
    ):
        data = batch(
            [b"v"] * count,
            producer_id=producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
            is_transactional=transactional,
        )
        return self.append(data, origin)


def refusal(call):
    with pytest.raises(KafkaError) as caught:
        call()
    return caught.value.code, caught.value.message


def test_a_sequence_goes_on_where_it_ended():
    journal = Journal()
    journal.send(0, count=3)
    journal.send(3)
    assert journal.state.producers[PID].last_sequence == 3
    assert journal.state.producers[PID].last_data_offset == 3


def test_a_gap_is_out_of_order():
    journal = Journal()
    journal.send(0)
    assert refusal(lambda: journal.send(2)) == (
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        "Out of order sequence number for producer 7 at offset 1 in partition topic-0: 2 (incoming seq. "
        "number), 0 (current end sequence number)",
    )


def test_a_refused_batch_changes_nothing():
    journal = Journal()
    journal.send(0)
    refusal(lambda: journal.send(5))
    journal.send(1)
    assert journal.state.producers[PID].last_sequence == 1


def test_an_unknown_producer_may_start_anywhere():
    journal = Journal()
    journal.send(1234)
    assert journal.state.producers[PID].last_sequence == 1234


def test_sequences_wrap_after_the_largest_int():
    journal = Journal()
    journal.send(2**31 - 2, count=2)
    journal.send(0)
    assert journal.state.producers[PID].last_sequence == 0


def test_a_batch_may_wrap_and_its_duplicate_is_known():
    journal = Journal()
    wrapping = batch([b"v"] * 3, producer_id=PID, producer_epoch=0, base_sequence=2**31 - 1)
    journal.append(wrapping)
    assert journal.state.producers[PID].last_sequence == 1
    assert journal.state.find_duplicate(read_header(wrapping)) == BatchMetadata(1, 2, 2, NOW_MS)


def test_a_new_epoch_starts_from_zero():
    journal = Journal()
    journal.send(0, count=5)
    assert refusal(lambda: journal.send(5, epoch=1)) == (
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        "Invalid sequence number for new epoch of producer 7at offset 5 in partition topic-0: 1 (request "
        "epoch), 5 (seq. number), 0 (current producer epoch)",
    )
    journal.send(0, epoch=1)
    assert len(journal.state.producers[PID].batches) == 1


def test_an_old_epoch_is_fenced():
    journal = Journal()
    journal.send(0, epoch=3)
    assert refusal(lambda: journal.send(1, epoch=2)) == (
        ErrorCode.INVALID_PRODUCER_EPOCH,
        "Epoch of producer 7 at offset 1 in topic-0 is 2, which is smaller than the last seen epoch 3",
    )


def test_replicated_batches_are_not_checked():
    journal = Journal()
    journal.send(10, epoch=3)
    journal.send(99, epoch=2, origin=AppendOrigin.REPLICATION)
    assert journal.state.producers[PID].producer_epoch == 2


def test_coordinators_write_without_sequences_but_not_with_an_old_epoch():
    journal = Journal()
    journal.send(-1, epoch=1, origin=AppendOrigin.COORDINATOR)
    journal.send(-1, epoch=1, origin=AppendOrigin.COORDINATOR)
    code, _ = refusal(lambda: journal.send(-1, epoch=0, origin=AppendOrigin.COORDINATOR))
    assert code == ErrorCode.INVALID_PRODUCER_EPOCH


def test_the_last_five_batches_are_known_again():
    journal = Journal()
    batches = [batch(producer_id=PID, producer_epoch=0, base_sequence=sequence) for sequence in range(6)]
    for each in batches:
        journal.append(each)
    found = [journal.state.find_duplicate(read_header(each)) for each in batches]
    assert found == [None, *(BatchMetadata(number, number, 0, NOW_MS) for number in range(1, 6))]


def test_the_same_sequences_of_another_epoch_are_no_duplicate():
    journal = Journal()
    journal.send(0)
    other = batch(producer_id=PID, producer_epoch=1, base_sequence=0)
    assert journal.state.find_duplicate(read_header(other)) is None


def test_a_transaction_is_unstable_until_its_marker_is_replicated():
    journal = Journal()
    journal.send(0)
    journal.send(1, transactional=True)
    assert journal.state.first_unstable_offset == 1
    journal.append(marker(PID, is_abort=False), AppendOrigin.COORDINATOR)
    assert journal.state.first_unstable_offset == 1
    journal.state.on_high_watermark(2)
    assert journal.state.first_unstable_offset == 1
    journal.state.on_high_watermark(3)
    assert journal.state.first_unstable_offset is None


def test_the_oldest_open_transaction_bounds_what_is_stable():
    journal = Journal()
    journal.send(0, producer_id=1, transactional=True)
    journal.send(0, producer_id=2, transactional=True)
    prepared = journal.append(marker(1, is_abort=True), AppendOrigin.COORDINATOR)
    (completed,) = prepared.completed
    assert completed == (1, 0, 2, True)
    assert journal.state.last_stable_offset(completed) == 1
    journal.state.on_high_watermark(3)
    assert journal.state.first_unstable_offset == 1


def test_a_marker_without_a_transaction_completes_nothing():
    assert Journal().append(marker(PID, is_abort=True), AppendOrigin.COORDINATOR).completed == []


def test_a_plain_batch_within_a_transaction_is_refused():
    journal = Journal()
    journal.send(0, transactional=True)
    assert refusal(lambda: journal.send(1)) == (
        ErrorCode.INVALID_TXN_STATE,
        "Expected transactional write from producer 7 at offset 1 in partition topic-0",
    )


def test_a_zombie_coordinator_is_fenced():
    journal = Journal()
    journal.send(0, transactional=True)
    journal.append(marker(PID, is_abort=False, coordinator_epoch=4), AppendOrigin.COORDINATOR)
    zombie = marker(PID, is_abort=False, coordinator_epoch=3)
    assert refusal(lambda: journal.append(zombie, AppendOrigin.COORDINATOR)) == (
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        "Invalid coordinator epoch for producerId 7 at offset 2 in partition topic-0: 3 (zombie), 4 "
        "(current)",
    )
    journal.append(zombie, AppendOrigin.REPLICATION)


def test_a_marker_of_a_new_epoch_forgets_the_batches_of_the_old():
    journal = Journal()
    journal.send(0, transactional=True)
    journal.append(marker(PID, is_abort=True, producer_epoch=1), AppendOrigin.COORDINATOR)
    entry = journal.state.producers[PID]
    assert (entry.producer_epoch, len(entry.batches), entry.current_txn_first_offset) == (1, 0, None)


def test_idle_producers_expire_but_not_with_an_open_transaction():
    journal = Journal()
    journal.send(0, producer_id=1)
    journal.send(0, producer_id=2, transactional=True)
    journal.state.expire(NOW_MS + 999, 1000)
    assert set(journal.state.producers) == {1, 2}
    journal.state.expire(NOW_MS + 1000, 1000)
    assert set(journal.state.producers) == {2}


def test_the_log_start_passes_replicated_transactions():
    journal = Journal()
    journal.send(0, transactional=True)
    journal.append(marker(PID, is_abort=False), AppendOrigin.COORDINATOR)
    journal.state.on_log_start_offset(10)
    assert journal.state.first_unstable_offset is None
    assert journal.state.end_offset == 10


def test_snapshots_list_producers_as_a_java_hash_map_does():
    journal = Journal()
    for producer_id in (1, 17, 16, 2**33, 4000):
        journal.send(0, producer_id=producer_id)
    # Buckets of 16: 16 -> 0, 4000 -> 0, 1 -> 1, 17 -> 1, 2^33 -> 2; within one, as they came.
    assert [entry.producer_id for entry in journal.state.in_snapshot_order()] == [16, 4000, 1, 17, 2**33]


@given(
    st.lists(
        st.tuples(st.sampled_from(["data", "transactional", "commit", "abort"]), st.integers(0, 2)),
        max_size=25,
    )
)
def test_the_last_stable_offset_never_passes_an_open_transaction(steps):
    journal = Journal()
    sequences: dict[int, int] = {}
    opened: dict[int, int] = {}
    for kind, producer_id in steps:
        if kind in ("commit", "abort"):
            journal.append(marker(producer_id, is_abort=kind == "abort"), AppendOrigin.COORDINATOR)
            opened.pop(producer_id, None)
        elif kind == "transactional" or producer_id not in opened:
            if kind == "transactional":
                opened.setdefault(producer_id, journal.next_offset)
            sequence = sequences.get(producer_id, 0)
            journal.send(sequence, producer_id=producer_id, transactional=kind == "transactional")
            sequences[producer_id] = sequence + 1
        journal.state.on_high_watermark(journal.next_offset)
        assert journal.state.first_unstable_offset == min(opened.values(), default=None)


def test_markers_are_read_out_of_their_batch():
    data = marker(PID, is_abort=True, coordinator_epoch=9)
    assert read_marker(data, read_header(data)) == EndTransactionMarker(True, 9, NOW_MS)
