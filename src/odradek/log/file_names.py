"""The names in a log directory: files of a segment, directories of a partition, suffixes of what is leaving.

    <topic>-<partition>/                        a partition's log
    <topic>-<partition>.<uuid>-delete/          deleted, waiting for file.delete.delay.ms
    <topic>-<partition>.<uuid>-future/          being copied here from another log directory (KIP-113)
    <topic>-<partition>.<uuid>-stray/           not in the metadata of this broker any more
    00000000000000000042.log|.index|.timeindex|.txnindex   a segment whose base offset is 42
    00000000000000000042.snapshot               producer state before offset 42
    ….deleted  ….cleaned  ….swap                a segment that leaves, is being compacted, is replacing others

Kafka: LogFileUtils, LocalLog.
"""

from __future__ import annotations

import re
import uuid

from odradek.metadata.topic_partition import TopicPartition

LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
TRANSACTION_INDEX_SUFFIX = ".txnindex"
SNAPSHOT_SUFFIX = ".snapshot"
DELETED_SUFFIX = ".deleted"
CLEANED_SUFFIX = ".cleaned"
SWAP_SUFFIX = ".swap"

DELETE_DIRECTORY_SUFFIX = "-delete"
FUTURE_DIRECTORY_SUFFIX = "-future"
STRAY_DIRECTORY_SUFFIX = "-stray"

MAX_FILE_NAME_LENGTH = 255

_UNIQUE_DIRECTORY = re.compile(r"^(\S+)-(\S+)\.(\S+)-(delete|future|stray)$")


def offset_file_name(offset: int, suffix: str) -> str:
    """`offset` as 20 digits, then `suffix`."""
    return f"{offset:020d}{suffix}"


def offset_of_file(name: str) -> int | None:
    """The offset in front of the first dot, or None where the name has no such thing."""
    digits, dot, _ = name.partition(".")
    return int(digits) if dot and digits.isdecimal() else None


def directory_name(topic_partition: TopicPartition) -> str:
    return f"{topic_partition.topic}-{topic_partition.partition}"


def unique_directory_name(topic_partition: TopicPartition, suffix: str) -> str:
    """A name for a partition's directory on its way out or in; the topic is cut to fit 255 characters."""
    tail = f"-{topic_partition.partition}.{uuid.uuid4().hex}{suffix}"
    return topic_partition.topic[: MAX_FILE_NAME_LENGTH - len(tail)] + tail


def parse_directory_name(name: str) -> tuple[TopicPartition, str]:
    """The partition that a directory belongs to, and its suffix ("", "-delete", "-future" or "-stray").

    Raises ValueError for any other name: Kafka refuses to start on a directory that it cannot place.
    """
    suffix = ""
    for candidate in (DELETE_DIRECTORY_SUFFIX, FUTURE_DIRECTORY_SUFFIX, STRAY_DIRECTORY_SUFFIX):
        if name.endswith(candidate):
            suffix = candidate
    if suffix and not _UNIQUE_DIRECTORY.match(name):
        raise ValueError(_misplaced(name))
    base = name[: name.rindex(".")] if suffix else name
    topic, dash, partition = base.rpartition("-")
    if not dash or not topic or not partition.isdecimal():
        raise ValueError(_misplaced(name))
    return TopicPartition(topic, int(partition)), suffix


def _misplaced(name: str) -> str:
    return (
        f"Found directory '{name}' that is not in the form of topic-partition or "
        "topic-partition.uniqueId-delete (if marked for deletion). Log directories (and children) should "
        "only contain Kafka topic data."
    )
