import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.log.producer_entry import BatchMetadata, ProducerEntry
from odradek.log.producer_snapshots import (
    CorruptSnapshot,
    ProducerSnapshots,
    decode_snapshot,
    encode_snapshot,
)
from odradek.log.producer_state import ProducerState
from odradek.protocol.generated.producer_snapshot import ProducerSnapshot
from tests.log.batches import NOW_MS, PARTITION

NEVER_MS = 2**60


def state(*entries, end_offset=10):
    made = ProducerState(PARTITION)
    made.load(entries, end_offset)
    return made


def entry(producer_id, last_offset=5, txn=None):
    batches = [BatchMetadata(3, last_offset, 1, NOW_MS)] if last_offset >= 0 else []
    made = ProducerEntry(producer_id, 2, 4, NOW_MS, txn)
    made.batches.extend(batches)
    return made


def test_what_is_encoded_is_decoded():
    entries = [entry(1), entry(2, txn=3), entry(3, last_offset=-1)]
    assert decode_snapshot(encode_snapshot(state(*entries))) == entries


def test_the_file_is_kafkas_message():
    data = encode_snapshot(state(entry(1, txn=3)))
    message = ProducerSnapshot.decode(1, memoryview(data)[2:])
    assert data[:2] == b"\x00\x01"
    (producer,) = message.producer_entries
    assert (producer.producer_id, producer.epoch, producer.last_sequence, producer.last_offset) == (
        1,
        2,
        3,
        5,
    )
    assert (producer.offset_delta, producer.timestamp, producer.coordinator_epoch) == (1, NOW_MS, 4)
    assert producer.current_txn_first_offset == 3
    assert message.to_bytes(1) == data[2:]


def test_an_empty_snapshot_is_kafkas_to_the_byte():
    # 00000000000000000070.snapshot of a partition without producers, from Kafka 3.9.2.
    assert encode_snapshot(state()).hex() == "00014867" + "4bc7" + "00000000"


@given(st.data())
def test_every_damaged_byte_is_noticed(data):
    encoded = bytearray(encode_snapshot(state(entry(1), entry(2))))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptSnapshot):
        decode_snapshot(bytes(encoded))


@pytest.mark.parametrize("size_bytes", [0, 1, 9, 30])
def test_a_cut_file_is_noticed(size_bytes):
    with pytest.raises(CorruptSnapshot):
        decode_snapshot(encode_snapshot(state(entry(1)))[:size_bytes])


def snapshots(path, *offsets):
    made = ProducerSnapshots(str(path))
    for offset in offsets:
        made.take(state(entry(offset), end_offset=offset), sync=True)
    return made


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_a_snapshot_is_taken_once_for_an_offset(tmp_path):
    made = ProducerSnapshots(str(tmp_path))
    assert made.take(state(end_offset=10), sync=False) == str(tmp_path / "00000000000000000010.snapshot")
    assert made.take(state(end_offset=10), sync=False) is None
    assert made.offsets == [10]


def test_the_latest_good_one_is_loaded_and_a_bad_one_deleted(tmp_path):
    snapshots(tmp_path, 10, 20)
    (tmp_path / "00000000000000000020.snapshot").write_bytes(b"damaged")
    found = ProducerSnapshots(str(tmp_path))
    found.scan()
    loaded = state()
    found.load(loaded, 0, NOW_MS, NEVER_MS)
    assert loaded.end_offset == 10
    assert list(loaded.producers) == [10]
    assert names(tmp_path) == ["00000000000000000010.snapshot"]


def test_without_a_snapshot_the_state_is_that_of_the_logs_start(tmp_path):
    loaded = state(entry(1))
    snapshots(tmp_path).load(loaded, 7, NOW_MS, NEVER_MS)
    assert (loaded.end_offset, loaded.producers) == (7, {})


def test_expired_producers_stay_out(tmp_path):
    loaded = state()
    snapshots(tmp_path, 10).load(loaded, 0, NOW_MS + 1000, 1000)
    assert loaded.producers == {}


@pytest.mark.parametrize(
    ("base_offsets", "left"), [([0, 10], [10, 30]), ([0, 40], []), ([0, 10, 20], [10, 20, 30]), ([], [30])]
)
def test_strays_go_but_the_one_of_a_clean_stop(tmp_path, base_offsets, left):
    made = snapshots(tmp_path, 10, 20, 30)
    made.delete_strays(base_offsets)
    assert made.offsets == left
    assert names(tmp_path) == [f"{offset:020d}.snapshot" for offset in left]


def test_those_outside_of_the_log_go(tmp_path):
    made = snapshots(tmp_path, 10, 20, 30)
    made.delete_outside(10, 29)
    assert made.offsets == [20]


def test_a_segments_snapshot_leaves_with_it(tmp_path):
    made = snapshots(tmp_path, 10, 20)
    assert made.mark_deleted(10) == str(tmp_path / "00000000000000000010.snapshot.deleted")
    assert made.mark_deleted(15) is None
    assert made.offsets == [20]
