"""Topic ids (KIP-516): sixteen bytes, shown as 22 characters of URL-safe base64 without padding.

They are `uuid.UUID` values everywhere; the zero id means "none". Kafka's `org.apache.kafka.common.Uuid`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from uuid import UUID

NO_TOPIC_ID = UUID(int=0)
_RESERVED = frozenset({NO_TOPIC_ID, UUID(int=1)})
"""The zero id, and the id of the KRaft metadata topic."""


def format_topic_id(topic_id: UUID) -> str:
    """Give the form that znodes, files and tools show."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode("ascii").rstrip("=")


def parse_topic_id(text: str) -> UUID:
    """Read that form. Raises ValueError for anything else."""
    raw = base64.urlsafe_b64decode(text + "==")
    if len(raw) != 16:
        raise ValueError(f"not a topic id: {text!r}")
    return UUID(bytes=raw)


def random_topic_id(random_bytes: Callable[[int], bytes]) -> UUID:
    """Draw an id; like Kafka never a reserved one, nor one that begins with a dash as an option would."""
    while True:
        topic_id = UUID(bytes=random_bytes(16), version=4)
        if topic_id not in _RESERVED and not format_topic_id(topic_id).startswith("-"):
            return topic_id
