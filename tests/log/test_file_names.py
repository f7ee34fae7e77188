import pytest

from odradek.log.file_names import (
    offset_file_name,
    offset_of_file,
    parse_directory_name,
    unique_directory_name,
)
from odradek.metadata.topic_partition import TopicPartition


def test_a_file_is_named_after_its_offset_in_twenty_digits():
    assert offset_file_name(42, ".log") == "00000000000000000042.log"
    assert offset_of_file("00000000000000000042.log.swap") == 42


@pytest.mark.parametrize("name", ["leader-epoch-checkpoint", "partition.metadata", "42", ".lock"])
def test_other_files_have_no_offset(name):
    assert offset_of_file(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("topic-0", (TopicPartition("topic", 0), "")),
        ("a-b.c-12", (TopicPartition("a-b.c", 12), "")),
        ("topic-3.0a1b-delete", (TopicPartition("topic", 3), "-delete")),
        ("my.topic-3.0a1b-future", (TopicPartition("my.topic", 3), "-future")),
        ("topic-3.0a1b-stray", (TopicPartition("topic", 3), "-stray")),
    ],
)
def test_a_directory_names_its_partition(name, expected):
    assert parse_directory_name(name) == expected


@pytest.mark.parametrize("name", ["topic", "topic-", "-1", "topic-x", "topic-delete", "lost+found"])
def test_what_is_no_partition_is_refused(name):
    with pytest.raises(ValueError, match="Found directory"):
        parse_directory_name(name)


def test_a_long_topic_name_is_cut_so_that_the_directory_fits():
    name = unique_directory_name(TopicPartition("t" * 249, 10), "-delete")
    assert len(name) == 255
    assert parse_directory_name(name)[0].partition == 10


def test_two_deletions_of_one_partition_have_different_names():
    partition = TopicPartition("topic", 0)
    assert unique_directory_name(partition, "-delete") != unique_directory_name(partition, "-delete")
