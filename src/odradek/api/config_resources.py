"""The resources of the config APIs: which kinds there are, and how they are named in error texts.

Source: org.apache.kafka.common.config.ConfigResource.
"""

from __future__ import annotations

from enum import IntEnum

from odradek.config.release import Release
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode


class ResourceType(IntEnum):
    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


_SINCE = {ResourceType.CLIENT_METRICS: Release(3, 7), ResourceType.GROUP: Release(4, 0)}


def resource_type(number: int, release: Release) -> ResourceType | None:
    """The kind of resource a request means, or None if a broker of this release knows no such kind."""
    try:
        kind = ResourceType(number)
    except ValueError:
        return None
    return kind if kind not in _SINCE or release >= _SINCE[kind] else None


def resource_text(kind: ResourceType, name: str) -> str:
    """A resource inside an error text."""
    return f"ConfigResource(type={kind.name}, name='{name}')"


def broker_number(name: str, *, what: str = "Broker id") -> int:
    """The broker that a resource's name means. Raises KafkaError(INVALID_REQUEST)."""
    try:
        return int(name) if name.isascii() and "_" not in name else int("")
    except ValueError:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{what} must be an integer, but it is: {name}") from None
