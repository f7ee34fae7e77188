import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.log.checkpoints import (
    MalformedCheckpoint,
    format_checkpoint,
    parse_checkpoint,
    read_offsets,
    write_offsets,
)
from odradek.metadata.topic_partition import TopicPartition


def test_offsets_are_lines_of_topic_partition_and_offset(tmp_path):
    path = str(tmp_path / "recovery-point-offset-checkpoint")
    write_offsets(path, {TopicPartition("a", 1): 5, TopicPartition("b", 0): 2**40})
    assert (tmp_path / "recovery-point-offset-checkpoint").read_text() == "0\n2\na 1 5\nb 0 1099511627776\n"
    assert read_offsets(path) == {TopicPartition("a", 1): 5, TopicPartition("b", 0): 2**40}


def test_a_missing_and_an_empty_file_hold_nothing(tmp_path):
    (tmp_path / "empty").touch()
    assert read_offsets(str(tmp_path / "empty")) == {}
    assert read_offsets(str(tmp_path / "missing")) == {}


@given(st.lists(st.tuples(st.integers(0), st.integers(0))))
def test_what_is_formatted_is_parsed(entries):
    text = format_checkpoint(f"{first} {second}" for first, second in entries)
    assert parse_checkpoint(text, 2) == [[str(first), str(second)] for first, second in entries]


@pytest.mark.parametrize(
    "text", ["1\n0\n", "0\n2\na 0 1\n", "0\n1\na 0\n", "0\nx\na 0 1\n", "0\n1\na 0 one\n", "0\n1\na zero 1\n"]
)
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "file").write_text(text)
    with pytest.raises(MalformedCheckpoint):
        read_offsets(str(tmp_path / "file"))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"\xff\xfe\n1\n")
    with pytest.raises(MalformedCheckpoint):
        read_offsets(str(tmp_path / "file"))
