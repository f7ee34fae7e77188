"""partition.metadata: the id of the topic that a partition's directory belongs to (KIP-516).

    version: 0
    topic_id: 3oGqwBPqSmSlVEEKE-5J9A

No newline ends the last line. Kafka: PartitionMetadataFile.
"""

from __future__ import annotations

import base64
import os
import uuid

from odradek.log.durable_files import replace_file

FILE_NAME = "partition.metadata"


class MalformedPartitionMetadata(Exception):
    """The file is not two lines of name and value, or of another version."""


def encode_uuid(value: uuid.UUID) -> str:
    """Kafka's way to write an id: URL-safe base64 of its 16 bytes, without padding."""
    return base64.urlsafe_b64encode(value.bytes).rstrip(b"=").decode()


def decode_uuid(text: str) -> uuid.UUID:
    """Raises ValueError for anything but 22 characters of URL-safe base64."""
    data = base64.urlsafe_b64decode(text + "==")
    if len(data) != 16:
        raise ValueError(f"Input string `{text}` decoded as {len(data)} bytes, which is not equal to 16")
    return uuid.UUID(bytes=data)


def write_topic_id(directory: str, topic_id: uuid.UUID) -> None:
    """Written but not synced. Raises OSError."""
    content = f"version: 0\ntopic_id: {encode_uuid(topic_id)}"
    replace_file(metadata_path(directory), content, sync=False)


def metadata_path(directory: str) -> str:
    return os.path.join(directory, FILE_NAME)


def read_topic_id(directory: str) -> uuid.UUID | None:
    """None where there is no such file. Raises OSError, MalformedPartitionMetadata."""
    path = metadata_path(directory)
    try:
        with open(path, encoding="utf-8") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines())
        if lines["version"].strip() != "0":
            raise MalformedPartitionMetadata(f"{path}: unrecognised version {lines['version'].strip()}")
        return decode_uuid(lines["topic_id"].strip())
    except FileNotFoundError:
        return None
    except (KeyError, ValueError) as error:
        raise MalformedPartitionMetadata(f"{path}: {error}") from error
