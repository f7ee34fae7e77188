"""Messages of old producers, of which one request may hold millions: others have turns meanwhile."""

import cramjam
import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records import validation
from odradek.records.batch import MAX_RECORDS
from odradek.records.compression import Compression, TakesLong
from odradek.records.legacy import Message, write_message_set
from odradek.records.record_stream import RECORDS_OF_A_BREATH
from odradek.records.validation import (
    AppendOrigin,
    BatchRules,
    InvalidRecords,
    validate_at_leisure,
    validate_for_append,
)

RULES = BatchRules("t-0", max_message_bytes=1_000_000)
COUNT = MAX_RECORDS + 1


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


def message_set(magic: int) -> bytearray:
    one = write_message_set([Message(0, 5 if magic else -1, b"k", b"v")], magic=magic)
    return one * COUNT


def at_leisure(records, rules=RULES):
    """The batch, and how many breaths were taken."""
    steps = validate_at_leisure(records, rules, now_ms=7, zstd=zstd_as_a_whole)
    breaths = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, breaths
        breaths += 1


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("compression", [None, Compression.GZIP])
def test_many_messages_become_the_same_batch_at_leisure(monkeypatch: pytest.MonkeyPatch, magic, compression):
    rules = BatchRules("t-0", max_message_bytes=1_000_000, compression=compression)
    records = message_set(magic)
    with pytest.raises(TakesLong):
        validate_for_append(records, rules, origin=AppendOrigin.CLIENT, now_ms=7)
    valid, breaths = at_leisure(records, rules)
    assert breaths > 2 * COUNT // RECORDS_OF_A_BREATH - 2
    monkeypatch.setattr(validation, "MAX_RECORDS", COUNT)
    assert valid.header.record_count == COUNT
    if compression is None:
        assert valid == validate_for_append(records, rules, origin=AppendOrigin.CLIENT, now_ms=7)


def test_each_of_them_is_checked():
    records = message_set(1)
    records[-1] ^= 1
    with pytest.raises(KafkaError) as refused:
        at_leisure(records)
    assert refused.value.code == ErrorCode.CORRUPT_MESSAGE
    with pytest.raises(KafkaError) as refused:
        at_leisure(message_set(1), BatchRules("t-0", max_message_bytes=1000))
    assert refused.value.code == ErrorCode.MESSAGE_TOO_LARGE
    keyless = write_message_set([Message(0, 5, None, b"v")], magic=1)
    with pytest.raises(InvalidRecords) as unfit:
        at_leisure(message_set(1) + keyless, BatchRules("t-0", max_message_bytes=10**6, is_compacted=True))
    assert unfit.value.code == ErrorCode.INVALID_RECORD
    wrapper = write_message_set([Message(0, 5, None, b"v")], magic=1, compression=Compression.GZIP)
    with pytest.raises(KafkaError, match="more than one batch"):
        at_leisure(message_set(1) + wrapper)
    with pytest.raises(KafkaError, match="Batch magic 0 is not the same as the first batch's magic byte 1"):
        at_leisure(message_set(1) + message_set(0))
