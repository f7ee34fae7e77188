"""What a topic may be called, and which topics are Kafka's own.

Source: org.apache.kafka.common.internals.Topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

GROUP_METADATA_TOPIC = "__consumer_offsets"
TRANSACTION_STATE_TOPIC = "__transaction_state"
SHARE_GROUP_STATE_TOPIC = "__share_group_state"
CLUSTER_METADATA_TOPIC = "__cluster_metadata"
"""KRaft's own log: no topic, and never to become one."""

INTERNAL_TOPICS = frozenset({GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC, SHARE_GROUP_STATE_TOPIC})

MAX_NAME_LENGTH = 249
"""Leaves room in a directory's name for the partition number and a deletion suffix."""

_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def is_internal(topic: str) -> bool:
    """Tell whether clients are told that a topic is internal."""
    return topic in INTERNAL_TOPICS


def reason_invalid(topic: str) -> str | None:
    """Say in Kafka's words what is wrong with a name; None if nothing is."""
    if not topic:
        return "the empty string is not allowed"
    if topic in (".", ".."):
        return f"'{topic}' is not allowed"
    # Java counts UTF-16 code units.
    if len(topic.encode("utf-16-le", "surrogatepass")) // 2 > MAX_NAME_LENGTH:
        return f"the length of '{topic}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    if not _LEGAL_NAME.fullmatch(topic):
        return f"'{topic}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def validate(topic: str) -> None:
    """Raise INVALID_TOPIC_EXCEPTION for a name that a topic cannot have."""
    reason = reason_invalid(topic)
    if reason is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {reason}")


def colliding(topic: str, others: Iterable[str]) -> list[str]:
    """Name those of the other topics that differ only in '.' and '_': their metrics would be one."""
    if "." not in topic and "_" not in topic:
        return []
    unified = topic.replace(".", "_")
    return [other for other in others if other.replace(".", "_") == unified]
