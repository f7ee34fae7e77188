"""FetchIsolation: how far into a log a reader may look. Kafka: FetchIsolation; KIP-98."""

from __future__ import annotations

from enum import Enum

CONSUMER_REPLICA_ID = -1
DEBUGGING_REPLICA_ID = -2
FUTURE_REPLICA_ID = -3
"""What stands in a request's replica_id when no follower sent it."""

READ_COMMITTED = 1
"""The isolation_level of a request; 0 is read_uncommitted."""


class FetchIsolation(Enum):
    """Followers read to the log's end, consumers to the high watermark or to the last stable offset."""

    LOG_END = "log end"
    HIGH_WATERMARK = "high watermark"
    TXN_COMMITTED = "last stable offset"

    @classmethod
    def of(cls, replica_id: int, isolation_level: int) -> FetchIsolation:
        """What a request with these two fields may see."""
        if replica_id >= 0 or replica_id == FUTURE_REPLICA_ID:
            return cls.LOG_END
        return cls.TXN_COMMITTED if isolation_level == READ_COMMITTED else cls.HIGH_WATERMARK
