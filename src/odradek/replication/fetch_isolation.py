"""FetchIsolation: how far into a log a reader may look. Kafka: FetchIsolation; KIP-98."""

from __future__ import annotations

from enum import Enum

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

CONSUMER_REPLICA_ID = -1
DEBUGGING_REPLICA_ID = -2
FUTURE_REPLICA_ID = -3
"""What stands in a request's replica_id when no follower sent it."""

READ_UNCOMMITTED = 0
READ_COMMITTED = 1
"""The isolation_level of a request."""


class FetchIsolation(Enum):
    """Followers read to the log's end, consumers to the high watermark or to the last stable offset."""

    LOG_END = "log end"
    HIGH_WATERMARK = "high watermark"
    TXN_COMMITTED = "last stable offset"

    @classmethod
    def of(cls, replica_id: int, isolation_level: int) -> FetchIsolation:
        """What a request with these two fields may see. Raises KafkaError for an unknown isolation level."""
        if not READ_UNCOMMITTED <= isolation_level <= READ_COMMITTED:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"Unknown isolation level {isolation_level}")
        if replica_id >= 0 or replica_id == FUTURE_REPLICA_ID:
            return cls.LOG_END
        return cls.TXN_COMMITTED if isolation_level == READ_COMMITTED else cls.HIGH_WATERMARK
