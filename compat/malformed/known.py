"""Outcomes that differ from real Kafka's on purpose, each with its reason; the only place for them."""

from dataclasses import dataclass
from typing import Final

from compat.malformed.frames import Frame
from compat.malformed.outcomes import WAITS
from odradek.protocol.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class KnownDifference:
    """Frames of these APIs whose outcomes contain these words, on real Kafka and on Odradek."""

    apis: frozenset[ApiKey]
    kafka: str
    odradek: str
    reason: str

    def covers(self, frame: Frame, kafka: str, odradek: str) -> bool:
        return frame.api in self.apis and self.kafka in kafka and self.odradek in odradek


_NO_PATH: Final = (
    "ZooKeeper has no path for such a name (empty, or with characters that it does not allow), and Kafka "
    "fails over that. There is no such topic, which is what we say."
)

KNOWN: Final = (
    KnownDifference(
        frozenset({ApiKey.JOIN_GROUP}),
        kafka=WAITS,
        odradek="JOIN_GROUP error_code=",
        reason="Kafka fails once a generation is complete, over a subscription that it cannot read or a "
        "protocol that a member names twice, and answers nobody in the group.",
    ),
    KnownDifference(
        frozenset({ApiKey.ALTER_CONFIGS}),
        kafka=WAITS,
        odradek="error_code=INVALID_REQUEST",
        reason="Kafka refuses a resource that is named twice, fails to put that into an answer, and never "
        "gives one.",
    ),
    KnownDifference(
        frozenset({ApiKey.CREATE_PARTITIONS, ApiKey.OFFSET_FETCH}),
        kafka="UNKNOWN_SERVER_ERROR",
        odradek="UNKNOWN_TOPIC_OR_PARTITION",
        reason=_NO_PATH,
    ),
    KnownDifference(
        frozenset({ApiKey.ALTER_CONFIGS, ApiKey.INCREMENTAL_ALTER_CONFIGS}),
        kafka="error_code=INVALID_CONFIG",
        odradek="UNKNOWN_TOPIC_OR_PARTITION",
        reason=_NO_PATH,
    ),
    KnownDifference(
        frozenset({ApiKey.DESCRIBE_TOPIC_PARTITIONS}),
        kafka="UNKNOWN_SERVER_ERROR",
        odradek="INVALID_TOPIC_EXCEPTION",
        reason="Kafka fails over a topic without a name, in this API alone.",
    ),
    KnownDifference(
        frozenset({ApiKey.PRODUCE}),
        kafka="UNKNOWN_SERVER_ERROR",
        odradek="CORRUPT_MESSAGE",
        reason="A batch too short for its own header: Kafka reads past its end and fails.",
    ),
)
