"""Produce: what a broker remembers of idempotent producers over a restart and a kill."""

import time

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from compat.scenarios.produce import read_back, to
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.records.builder import build_batch
from odradek.records.record import Record


def send_sequences(k: Session, topic: Topic, producer_id: int, timestamp_ms: int, *sequences: int) -> None:
    """One record a request."""
    for sequence in sequences:
        made = build_batch(
            [Record(0, timestamp_ms, None, b"v")],
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=sequence,
        )
        k.send(to(topic, bytes(made)))


def over_a_restart(k: Session, timestamp_ms: int) -> None:
    """Two batches; then, with the broker back: the last again, the first again, one too far, the next."""
    for kill in (False, True):
        topic = k.create_topic("killed" if kill else "stopped")
        asked = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        producer = k.send(asked, until=lambda answer: not answer.error_code)
        send_sequences(k, topic, producer.producer_id, timestamp_ms, 0, 1)
        k.restart_broker(kill=kill)
        send_sequences(k, topic, producer.producer_id, timestamp_ms, 1, 0, 5, 2)
        read_back(k, topic)


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def sequences_survive(k: Session) -> None:
    over_a_restart(k, int(time.time() * 1000))


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def sequences_of_producers_that_have_expired_do_not(k: Session) -> None:
    over_a_restart(k, TIMESTAMP_MS)
