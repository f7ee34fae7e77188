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


KNOWN: Final = (
    KnownDifference(
        frozenset({ApiKey.JOIN_GROUP}),
        kafka=WAITS,
        odradek="JOIN_GROUP error_code=",
        reason="Kafka fails once a generation is complete, over a subscription that it cannot read or a "
        "protocol that a member names twice, and answers nobody in the group from then on. Whoever sends "
        "such a thing should cost others nothing (DESIGN, Rules: a malformed request costs its connection).",
    ),
)
