import uuid

import pytest

from odradek.log.partition_metadata import (
    MalformedPartitionMetadata,
    decode_uuid,
    encode_uuid,
    read_topic_id,
    write_topic_id,
)

# From a directory that Kafka 3.9.2 wrote.
KAFKA_FILE = "version: 0\ntopic_id: j49xtJI6SvmBgCfHNfWrow"


def test_kafkas_file_is_read_and_written_alike(tmp_path):
    (tmp_path / "partition.metadata").write_text(KAFKA_FILE)
    topic_id = read_topic_id(str(tmp_path))
    assert topic_id is not None
    write_topic_id(str(tmp_path), topic_id)
    assert (tmp_path / "partition.metadata").read_text() == KAFKA_FILE


def test_no_file_no_id(tmp_path):
    assert read_topic_id(str(tmp_path)) is None


@pytest.mark.parametrize(
    "text", ["", "version: 0\n", "version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", "topic_id: x"]
)
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "partition.metadata").write_text(text)
    with pytest.raises(MalformedPartitionMetadata):
        read_topic_id(str(tmp_path))


def test_ids_are_urlsafe_base64_without_padding():
    topic_id = uuid.UUID(bytes=bytes([0xFB, 0xFF] + [0] * 14))
    assert encode_uuid(topic_id) == "-_8AAAAAAAAAAAAAAAAAAA"
    assert decode_uuid("-_8AAAAAAAAAAAAAAAAAAA") == topic_id
