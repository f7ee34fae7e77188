import errno
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
    assert EMPTY_SLICE.is_resident()
    assert not EMPTY_SLICE.is_first_batch_cut
    EMPTY_SLICE.release()
    with pytest.raises(ValueError, match="no file"):
        EMPTY_SLICE.fileno()


def test_the_file_and_the_view_have_the_same_bytes(slice_):
    assert os.pread(slice_.fileno(), len(slice_), slice_.position) == bytes(slice_.view())


def test_what_was_just_written_is_in_memory(slice_):
    assert slice_.is_resident()


@pytest.mark.parametrize(("error", "resident"), [(errno.EAGAIN, False), (errno.EOPNOTSUPP, True)])
def test_the_kernel_says_what_it_would_wait_for(slice_, monkeypatch, error, resident):
    def answer(*_):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "preadv", answer)
    assert slice_.is_resident() == resident
