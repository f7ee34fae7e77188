"""The topics in a consumer's subscription, so far as the coordinator looks into it.

ConsumerProtocolSubscription, of which every version begins like version 0:

    int16   version
    int32   number of topics
    per topic: int16 length, UTF-8 name
    int32   length of user data, -1 for none; user data
    (later versions' fields follow)
"""

from __future__ import annotations

import struct

from odradek.errors import OdradekError

CONSUMER_PROTOCOL_TYPE = "consumer"

_HEADER = struct.Struct(">h")
_COUNT = struct.Struct(">i")
_LENGTH = struct.Struct(">h")


class UnreadableSubscription(OdradekError):
    """A length in a subscription that cannot be: Kafka fails on it, while it forgives one that ends early."""


def subscribed_topics(subscription: bytes) -> frozenset[str] | None:
    """The topics of one member's metadata; None when it is too short for a consumer's subscription.

    Raises UnreadableSubscription. Kafka: ConsumerProtocol.deserializeSubscription.
    """
    topics = []
    try:
        (version,) = _HEADER.unpack_from(subscription)
        if version < 0:
            return None
        (count,) = _COUNT.unpack_from(subscription, _HEADER.size)
        position = _HEADER.size + _COUNT.size
        if not 0 <= count <= len(subscription) - position:
            raise UnreadableSubscription(f"{count} topics")
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(subscription, position)
            position += _LENGTH.size
            if not 0 <= length <= len(subscription) - position:
                raise UnreadableSubscription(f"a topic of {length} bytes")
            topics.append(subscription[position : position + length].decode(errors="replace"))
            position += length
        (length,) = _COUNT.unpack_from(subscription, position)
        if length > len(subscription) - position - _COUNT.size:
            raise UnreadableSubscription(f"user data of {length} bytes")
    except struct.error:
        return None
    return frozenset(topics)
