import os

import pytest

from odradek.log.segment import Segment, SegmentLimits
from odradek.log.slice import EMPTY_SLICE
from odradek.records.batch import read_header
from tests.log.batches import NOW_MS, batch


@pytest.fixture
def slice_(tmp_path):
    data = batch([b"value"])
    segment = Segment.create(str(tmp_path), 0, SegmentLimits(4096, 1024), NOW_MS)
    segment.append(data, [read_header(data)])
    made = segment.read(0, 1000, 1000, False)
    assert made is not None
    with made:
        yield made


def test_an_empty_slice_has_nothing_to_send():
    assert len(EMPTY_SLICE) == 0
    assert bytes(EMPTY_SLICE.view()) == b""
    assert not EMPTY_SLICE.is_first_batch_cut
    EMPTY_SLICE.release()
    with pytest.raises(ValueError, match="no file"):
        EMPTY_SLICE.fileno()


def test_the_file_and_the_view_have_the_same_bytes(slice_):
    assert os.pread(slice_.fileno(), len(slice_), slice_.position) == bytes(slice_.view())


def test_what_was_cut_before_it_is_looked_at_is_gone(slice_):
    slice_.segment.truncate_to(0, NOW_MS)
    with pytest.raises(EOFError):
        slice_.view()
