"""The judge: the same conversations with real Kafka and with another broker, compared field by field.

A scenario (``compat.scenarios``) is a short function that sends requests through a ``Session``; what the
broker answers becomes a transcript of plain values. Transcripts of real Kafka 3.9.2 (ZooKeeper) and 4.3.0
(KRaft) are kept in ``compat/recordings``; a broker under judgment must give the same ones.

    python -m compat.judge                              Odradek, as 3.9 and as 4.3
    python -m compat.judge --bootstrap localhost:9092   any broker at an address
"""

from compat.judge.scenario import scenario
from compat.judge.session import Session

__all__ = ["Session", "scenario"]
