"""The versions of the inter-broker protocol and of message formats: `inter.broker.protocol.version`.

Kafka 3.9's own list, oldest first. Source: org.apache.kafka.server.common.MetadataVersion.
"""

from __future__ import annotations

# fmt: off
VERSIONS = (
    "0.8.0", "0.8.1", "0.8.2", "0.9.0", "0.10.0-IV0", "0.10.0-IV1", "0.10.1-IV0", "0.10.1-IV1",
    "0.10.1-IV2", "0.10.2-IV0", "0.11.0-IV0", "0.11.0-IV1", "0.11.0-IV2", "1.0-IV0", "1.1-IV0", "2.0-IV0",
    "2.0-IV1", "2.1-IV0", "2.1-IV1", "2.1-IV2", "2.2-IV0", "2.2-IV1", "2.3-IV0", "2.3-IV1", "2.4-IV0",
    "2.4-IV1", "2.5-IV0", "2.6-IV0", "2.7-IV0", "2.7-IV1", "2.7-IV2", "2.8-IV0", "2.8-IV1", "3.0-IV0",
    "3.0-IV1", "3.1-IV0", "3.2-IV0", "3.3-IV0", "3.3-IV1", "3.3-IV2", "3.3-IV3", "3.4-IV0", "3.5-IV0",
    "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3",
    "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1",
)
# fmt: on

NEWEST_WITH_ZOOKEEPER = "3.9-IV0"
"""What brokers on ZooKeeper speak at most."""


def latest_of(text: str) -> str | None:
    """The version that a text stands for: itself, or the last of a release ("3.0", "3.0.1"); None if none."""
    segments = text.split(".")
    kept = 3 if text.startswith("0.") else 2
    key = text if len(segments) <= kept else ".".join(segments[:kept])
    matching = [version for version in VERSIONS if key in (version, version.split("-")[0])]
    return matching[-1] if matching else None


def is_at_least(text: str, version: str) -> bool:
    """Whether a text stands for this version or a later one; they are ordered by their place in the list."""
    latest = latest_of(text)
    return latest is not None and VERSIONS.index(latest) >= VERSIONS.index(version)


def message_format_ignored(inter_broker_version: str) -> bool:
    """Whether brokers of this protocol version ignore `message.format.version` (KIP-724: from 3.0-IV1 on)."""
    return is_at_least(inter_broker_version, "3.0-IV1")


def record_magic(text: str) -> int:
    """The newest magic of records that brokers of a version know. Raises ValueError for none of VERSIONS.

    Versions are ordered by their place in the list, not by their text: 0.9.0 comes before 0.10.0.
    """
    at = VERSIONS.index(latest_of(text) or text)
    return (at >= VERSIONS.index("0.10.0-IV0")) + (at >= VERSIONS.index("0.11.0-IV0"))
