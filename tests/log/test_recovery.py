import os
import shutil
from pathlib import Path

import pytest

from odradek.config.log_config import LogConfig
from odradek.records.batch import iter_headers
from odradek.records.validation import AppendOrigin
from tests.log.batches import NOW_MS, append, batch, contents, files, marker, open_log

CONFIG = LogConfig(segment_bytes=1000, index_interval_bytes=200)
INDEXES = (".index", ".timeindex", ".txnindex", ".snapshot")


def write(path, count=64, close=True):
    """A log of several segments with a producer, a transaction that was aborted and one that is open."""
    log = open_log(path, CONFIG)
    for number in range(count):
        append(
            log,
            batch(
                [b"%d" % number] * 2,
                timestamp=NOW_MS + number,
                producer_id=1,
                producer_epoch=0,
                base_sequence=2 * number,
            ),
        )
        if number == 3:
            append(
                log, batch([b"a"], producer_id=2, producer_epoch=0, base_sequence=0, is_transactional=True)
            )
        if number == 12:
            append(log, marker(2, is_abort=True), origin=AppendOrigin.COORDINATOR)
            append(
                log, batch([b"b"], producer_id=3, producer_epoch=0, base_sequence=0, is_transactional=True)
            )
    if close:
        log.close()
    return log


def kill(log):
    """The process is gone: whatever was written is there, nothing else is done."""
    log.close_files()


def test_a_cleanly_closed_log_opens_as_it_was(tmp_path):
    before = write(tmp_path / "topic-0")
    after = open_log(tmp_path / "topic-0", CONFIG)
    assert after.log_end_offset == before.log_end_offset == after.recovery_point
    assert after.producers.producers.keys() == {1, 2, 3}
    before.on_high_watermark(before.log_end_offset)
    assert after.first_unstable_offset == before.first_unstable_offset == 28
    assert after.leader_epochs.entries == ((0, 0),)
    assert len(after.segments) > 3
    values = [value for _, value in contents(after)]
    assert values[:7] == [b"0", b"0", b"1", b"1", b"2", b"2", b"3"]


def test_recovery_rebuilds_what_was_written_live(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    live = files(path)
    for name in live:
        if name.endswith(INDEXES):
            (path / name).unlink()
    recovered = open_log(path, CONFIG, clean=False)
    recovered.close()
    rebuilt = files(path)
    assert {name: rebuilt[name] for name in live if not name.endswith(".snapshot")} == {
        name: live[name] for name in live if not name.endswith(".snapshot")
    }
    assert all(rebuilt[name] == live[name] for name in rebuilt), "and the snapshots it takes are the same"


def test_a_killed_log_recovers_to_the_same_files_as_a_closed_one(tmp_path):
    write(tmp_path / "closed" / "topic-0")
    kill(write(tmp_path / "killed" / "topic-0", close=False))
    recovered = open_log(tmp_path / "killed" / "topic-0", CONFIG, clean=False)
    recovered.close()
    assert files(tmp_path / "killed" / "topic-0") == files(tmp_path / "closed" / "topic-0")


def test_only_what_is_past_the_recovery_point_is_read(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    bases = list(log.segments.base_offsets)
    with open(path / f"{bases[0]:020d}.log", "r+b") as file:
        file.seek(70)
        file.write(b"damaged")
    assert open_log(path, CONFIG, clean=False, recovery_point=bases[1]).log_end_offset == log.log_end_offset
    assert open_log(path, CONFIG, clean=False, recovery_point=bases[1] - 1).log_end_offset == 0


def test_every_cut_of_the_last_batch_is_a_torn_tail(tmp_path):
    path = tmp_path / "topic-0"
    log = open_log(path)
    append(log, batch([b"first"]), batch([b"second"]), batch([b"third", b"fourth"]))
    kill(log)
    data = (path / f"{0:020d}.log").read_bytes()
    starts = [position for position, _ in iter_headers(data)]
    for size_bytes in range(starts[2], len(data)):
        copy = tmp_path / f"cut-{size_bytes}" / "topic-0"
        shutil.copytree(path, copy)
        os.truncate(copy / f"{0:020d}.log", size_bytes)
        recovered = open_log(copy, clean=False)
        assert recovered.log_end_offset == 2
        assert os.stat(copy / f"{0:020d}.log").st_size == starts[2]
        append(recovered, batch([b"again"]))
        assert contents(recovered) == [(0, b"first"), (1, b"second"), (2, b"again")]
        kill(recovered)


def test_every_damaged_byte_of_the_last_batch_is_noticed(tmp_path):
    path = tmp_path / "topic-0"
    log = open_log(path)
    append(log, batch([b"first"]), batch([b"second"]))
    kill(log)
    data = (path / f"{0:020d}.log").read_bytes()
    second = [position for position, _ in iter_headers(data)][1]
    # Base offset and leader epoch lie outside of the checksum.
    for position in [*range(second + 8, second + 12), *range(second + 16, len(data))]:
        copy = tmp_path / f"damaged-{position}" / "topic-0"
        shutil.copytree(path, copy)
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        (copy / f"{0:020d}.log").write_bytes(damaged)
        recovered = open_log(copy, clean=False)
        assert recovered.log_end_offset == 1, position
        kill(recovered)


@pytest.mark.parametrize("lost_bytes", [8, 9])
def test_an_offset_on_a_lost_page_is_noticed(tmp_path, lost_bytes):
    """The base offset lies outside of the CRC, and the length behind it begins with a zero anyway."""
    log = write(tmp_path / "topic-0")
    active = Path(log.segments.active.path)
    data = active.read_bytes()
    *_, (position, header) = iter_headers(data)
    active.write_bytes(data[:position] + bytes(lost_bytes) + data[position + lost_bytes :])
    recovered = open_log(tmp_path / "topic-0", CONFIG, clean=False)
    assert recovered.log_end_offset == header.base_offset
    assert active.stat().st_size == position


def test_segments_after_a_damaged_one_are_deleted(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    bases = list(log.segments.base_offsets)
    os.truncate(path / f"{bases[2]:020d}.log", 300)
    recovered = open_log(path, CONFIG, clean=False)
    assert list(recovered.segments.base_offsets) == bases[:3]
    assert recovered.log_end_offset < bases[3]
    assert not (path / f"{bases[3]:020d}.log").exists()
    assert recovered.recovery_point == 0


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("damage", ["missing", "cut", "zeros", "noise"])
def test_indexes_of_the_active_segment_are_rebuilt_even_after_a_clean_stop(tmp_path, suffix, damage):
    path = tmp_path / "topic-0"
    log = write(path)
    name = f"{log.segments.base_offsets[-1]:020d}{suffix}"
    good = (path / name).read_bytes()
    assert good
    if damage == "missing":
        (path / name).unlink()
    else:
        (path / name).write_bytes(
            {"cut": good[:-1], "zeros": good + bytes(24), "noise": b"\xff" * 24}[damage]
        )
    reopened = open_log(path, CONFIG)
    reopened.close()
    if (suffix, damage) in ((".timeindex", "missing"), (".timeindex", "noise")):
        # As in Kafka: a missing time index is begun anew, and nothing tells a time that is merely wrong.
        return
    assert (path / name).read_bytes() == good
    assert reopened.log_end_offset == log.log_end_offset


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_kafkas_preallocated_indexes_are_cut(tmp_path, suffix):
    path = tmp_path / "topic-0"
    log = write(path)
    name = f"{log.segments.base_offsets[-1]:020d}{suffix}"
    good = (path / name).read_bytes()
    (path / name).write_bytes(good + bytes(10 * 1024 * 1024 - len(good)))
    open_log(path, CONFIG, clean=False).close()
    assert (path / name).read_bytes() == good


def test_a_missing_offset_index_of_an_older_segment_is_rebuilt(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    good = (path / f"{0:020d}.index").read_bytes()
    (path / f"{0:020d}.index").unlink()
    open_log(path, CONFIG).close()
    assert (path / f"{0:020d}.index").read_bytes() == good


def test_a_snapshot_without_a_segment_is_deleted(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    stray = path / f"{log.segments.base_offsets[1] + 1:020d}.snapshot"
    shutil.copy(path / f"{log.segments.base_offsets[1]:020d}.snapshot", stray)
    reopened = open_log(path, CONFIG)
    assert not stray.exists()
    assert reopened.snapshots.offsets == [*log.segments.base_offsets[1:], log.log_end_offset]


def test_loading_leaves_no_file_open(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    before = set(os.listdir("/dev/fd"))
    reopened = open_log(path, CONFIG, clean=False)
    assert not set(os.listdir("/dev/fd")) - before
    kill(reopened)


def test_an_index_without_a_log_is_deleted(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    (path / "00000000000000099999.index").touch()
    open_log(path, CONFIG)
    assert not (path / "00000000000000099999.index").exists()


def test_leftovers_of_deletion_and_compaction_go(tmp_path):
    path = tmp_path / "topic-0"
    before = write(path).log_end_offset
    for name in ("00000000000000000000.log.deleted", "00000000000000000000.log.cleaned", "x.deleted"):
        (path / name).write_bytes(b"leftover")
    assert open_log(path, CONFIG).log_end_offset == before
    assert not [name for name in os.listdir(path) if name.endswith((".deleted", ".cleaned"))]


def test_an_interrupted_swap_is_finished(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    bases = list(log.segments.base_offsets)
    for suffix in (".log", ".index", ".timeindex"):
        os.rename(path / f"{bases[1]:020d}{suffix}", path / f"{bases[1]:020d}{suffix}.swap")
    (path / f"{bases[1] + 1:020d}.log").write_bytes(b"replaced by the swap")
    reopened = open_log(path, CONFIG)
    assert list(reopened.segments.base_offsets) == bases
    assert reopened.log_end_offset == log.log_end_offset


def test_a_swap_that_was_still_being_made_is_undone(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    bases = list(log.segments.base_offsets)
    (path / f"{bases[1]:020d}.log.cleaned").touch()
    (path / f"{bases[1]:020d}.log.swap").write_bytes(b"half")
    reopened = open_log(path, CONFIG)
    assert list(reopened.segments.base_offsets) == bases
    assert len(contents(reopened)) == log.log_end_offset


def test_a_log_that_ends_before_its_start_begins_anew(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    reopened = open_log(path, CONFIG, log_start_offset=5000)
    assert (reopened.log_start_offset, reopened.log_end_offset) == (5000, 5000)
    assert list(reopened.segments.base_offsets) == [5000]


def test_the_checkpointed_start_counts(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    reopened = open_log(path, CONFIG, log_start_offset=7)
    assert reopened.log_start_offset == 7
    assert reopened.leader_epochs.entries == ((0, 7),)
    assert contents(reopened)[0] == (7, b"3")


def test_a_damaged_epoch_file_is_rebuilt_by_recovery(tmp_path):
    path = tmp_path / "topic-0"
    kill(write(path, close=False))
    (path / "leader-epoch-checkpoint").write_text("nonsense\nhere\n")
    assert open_log(path, CONFIG, clean=False).leader_epochs.entries == ((0, 0),)


def test_epochs_past_the_end_are_cut(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    (path / "leader-epoch-checkpoint").write_text(f"0\n2\n0 0\n9 {log.log_end_offset}\n")
    reopened = open_log(path, CONFIG)
    assert reopened.leader_epochs.entries == ((0, 0),)
    append(reopened, batch([b"next"]))
    assert (path / "leader-epoch-checkpoint").read_text() == "0\n1\n0 0\n"


def test_a_log_without_snapshots_that_was_stopped_cleanly_has_no_producers(tmp_path):
    path = tmp_path / "topic-0"
    write(path)
    for name in os.listdir(path):
        if name.endswith(".snapshot"):
            (path / name).unlink()
    reopened = open_log(path, CONFIG)
    assert reopened.producers.producers == {}
    assert reopened.snapshots.latest == reopened.log_end_offset


def test_a_damaged_snapshot_costs_a_longer_replay_and_no_state(tmp_path):
    path = tmp_path / "topic-0"
    log = write(path)
    (path / f"{log.log_end_offset:020d}.snapshot").write_bytes(b"damaged")
    reopened = open_log(path, CONFIG)
    assert reopened.producers.producers.keys() == {1, 2, 3}
    assert reopened.producers.producers[1].last_sequence == 127
    for each in (log, reopened):
        each.on_high_watermark(each.log_end_offset)
    assert reopened.first_unstable_offset == log.first_unstable_offset
