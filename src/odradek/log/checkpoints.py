"""Checkpoint files: a few lines of text that are replaced as a whole.

    0                    version
    2                    number of entries
    topic 0 1234         entries: topic, partition, offset …
    topic 1 99           … or, in leader-epoch-checkpoint, epoch and start offset

A crash leaves the old or the new file. Kafka: CheckpointFile, OffsetCheckpointFile,
LeaderEpochCheckpointFile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odradek.log.durable_files import replace_file
from odradek.metadata.topic_partition import TopicPartition

RECOVERY_POINT_FILE = "recovery-point-offset-checkpoint"
HIGH_WATERMARK_FILE = "replication-offset-checkpoint"
LOG_START_OFFSET_FILE = "log-start-offset-checkpoint"
LEADER_EPOCH_FILE = "leader-epoch-checkpoint"

CURRENT_VERSION = "0"


class MalformedCheckpoint(Exception):
    """The file is not a checkpoint of this version; what it would have said has to be found otherwise."""


def format_checkpoint(entries: Iterable[str]) -> str:
    lines = list(entries)
    return "\n".join([CURRENT_VERSION, str(len(lines)), *lines]) + "\n"


def parse_checkpoint(text: str, fields: int) -> list[list[str]]:
    """The entries, each split into `fields` words; an empty file has none. Raises MalformedCheckpoint."""
    lines = text.splitlines()
    if len(lines) < 2:
        return []
    version, count, *rest = lines
    if version != CURRENT_VERSION:
        raise MalformedCheckpoint(f"Unrecognised version: {version}, expected version: {CURRENT_VERSION}")
    entries = [line.split() for line in rest]
    if any(len(entry) != fields for entry in entries):
        raise MalformedCheckpoint("an entry has the wrong number of fields")
    if count != str(len(entries)):
        raise MalformedCheckpoint(f"Expected [{count}] entries, but found only [{len(entries)}]")
    return entries


def read_checkpoint(path: str, fields: int) -> list[list[str]]:
    """As `parse_checkpoint`; a missing file has no entries. Raises OSError, MalformedCheckpoint."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise MalformedCheckpoint(str(error)) from error
    return parse_checkpoint(text, fields)


def read_offsets(path: str) -> dict[TopicPartition, int]:
    """An offset checkpoint: partition to offset. Raises OSError, MalformedCheckpoint."""
    try:
        return {
            TopicPartition(topic, int(partition)): int(offset)
            for topic, partition, offset in read_checkpoint(path, 3)
        }
    except ValueError as error:
        raise MalformedCheckpoint(str(error)) from error


def write_offsets(path: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Replaces an offset checkpoint. Raises OSError."""
    entries = (f"{partition.topic} {partition.partition} {offset}" for partition, offset in offsets.items())
    replace_file(path, format_checkpoint(entries))
