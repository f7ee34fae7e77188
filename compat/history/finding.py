"""What a checker says: the kind of anomaly, where, and in words with the operations that show it."""

import enum
from dataclasses import dataclass

from compat.history.operations import Partition


class Anomaly(enum.Enum):
    """What no correct Kafka shows, whatever happens to brokers and networks."""

    LOST_WRITE = "lost write"
    DUPLICATE = "duplicate of an idempotent producer's record"
    SEQUENCE_GAP = "a batch of an idempotent producer is missing before another"
    FENCED_BUT_WRITTEN = "a record of a producer epoch behind one of a later epoch"
    REORDERED_WRITES = "records of one producer out of order"
    REFUSED_BUT_WRITTEN = "a refused write is there"
    NEVER_WRITTEN = "a record that nobody wrote"
    WRONG_OFFSET = "a record is elsewhere than its acknowledgement said"
    TWO_VALUES = "one offset, two values"
    REORDERED_POLL = "a consumer was given an earlier offset after a later one"
    SKIPPED_POLL = "a consumer was led past a record"
    VANISHED = "a record that a consumer was given is gone"
    UNDELIVERED = "a record never came to its group"
    LATEST_OFFSET_WENT_BACK = "the latest offset went back"
    COMMIT_WENT_BACK = "a committed offset was lost or overtaken"
    DIVERGENT_REPLICAS = "replicas differ below the high watermark"


@dataclass(frozen=True, slots=True)
class Finding:
    """One anomaly."""

    anomaly: Anomaly
    partition: Partition
    detail: str

    def __str__(self) -> str:
        return f"{self.anomaly.value}: {self.partition}: {self.detail}"
