import pytest

from odradek.log.transaction_index import AbortedTransaction, CorruptTransactionIndex, TransactionIndex

FIRST = AbortedTransaction(producer_id=7, first_offset=0, last_offset=10, last_stable_offset=11)
SECOND = AbortedTransaction(producer_id=8, first_offset=5, last_offset=20, last_stable_offset=13)
THIRD = AbortedTransaction(producer_id=7, first_offset=21, last_offset=30, last_stable_offset=31)


def index(path, *entries):
    made = TransactionIndex(path / "txnindex", 0)
    for entry in entries:
        made.append(entry)
    return made


def test_there_is_no_file_without_an_abort(tmp_path):
    assert index(tmp_path).entries() == []
    assert not (tmp_path / "txnindex").exists()


def test_an_entry_is_34_bytes(tmp_path):
    index(tmp_path, FIRST)
    assert (tmp_path / "txnindex").read_bytes().hex() == (
        "000000000000000000070000000000000000000000000000000a000000000000000b"
    )


def test_what_was_appended_is_read_again(tmp_path):
    index(tmp_path, FIRST, SECOND)
    assert TransactionIndex(tmp_path / "txnindex", 0).entries() == [FIRST, SECOND]


def test_markers_must_ascend(tmp_path):
    with pytest.raises(ValueError, match="not past the last"):
        index(tmp_path, SECOND, FIRST)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 100, ([FIRST, SECOND, THIRD], False)),
        (0, 5, ([FIRST], True)),
        (11, 13, ([SECOND], True)),
        (21, 22, ([THIRD], True)),
        (31, 100, ([], False)),
    ],
)
def test_overlapping_transactions_are_collected(tmp_path, start, end, expected):
    assert index(tmp_path, FIRST, SECOND, THIRD).collect(start, end) == expected


def test_truncation_drops_markers_at_or_past(tmp_path):
    made = index(tmp_path, FIRST, SECOND, THIRD)
    made.truncate_to(20)
    assert made.entries() == [FIRST]
    assert (tmp_path / "txnindex").stat().st_size == 34
    made.append(SECOND)
    assert TransactionIndex(tmp_path / "txnindex", 0).entries() == [FIRST, SECOND]


def test_impossible_entries_are_noticed(tmp_path):
    index(tmp_path, FIRST)
    with pytest.raises(CorruptTransactionIndex, match="base offset"):
        TransactionIndex(tmp_path / "txnindex", 11).entries()
    (tmp_path / "txnindex").write_bytes(b"\x00\x01" + bytes(32))
    with pytest.raises(CorruptTransactionIndex, match="version 1"):
        TransactionIndex(tmp_path / "txnindex", 0).entries()
