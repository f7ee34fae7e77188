"""The topics in a consumer's subscription, so far as the coordinator looks into it.

ConsumerProtocolSubscription, of which every version begins like version 0:

    int16   version
    int32   number of topics
    per topic: int16 length, UTF-8 name
    (user data and later versions' fields follow)
"""

from __future__ import annotations

import struct

CONSUMER_PROTOCOL_TYPE = "consumer"

_HEADER = struct.Struct(">hi")
_LENGTH = struct.Struct(">h")


def subscribed_topics(subscription: bytes) -> frozenset[str] | None:
    """The topics of one member's metadata; None when it is not a consumer's subscription."""
    try:
        version, count = _HEADER.unpack_from(subscription)
        if version < 0 or count < 0:
            return None
        topics = []
        position = _HEADER.size
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(subscription, position)
            position += _LENGTH.size
            if length < 0 or position + length > len(subscription):
                return None
            topics.append(subscription[position : position + length].decode())
            position += length
    except (struct.error, UnicodeDecodeError):
        return None
    return frozenset(topics)
