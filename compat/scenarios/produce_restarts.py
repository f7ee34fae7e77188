"""Produce: what a broker remembers of idempotent producers over a restart and a kill."""

import time

from compat.judge import Session, scenario
from compat.judge.session import TIMESTAMP_MS, Topic
from compat.scenarios.produce import read_back, to
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.records.builder import build_batch
from odradek.records.record import Record

ROLLED = {"segment.bytes": str(1 << 20)}
"""The least that 4.3 takes."""


def send_sequences(
    k: Session, topic: Topic, producer_id: int, timestamp_ms: int, *sequences: int, value: bytes = b"v"
) -> None:
    """One record a request."""
    for sequence in sequences:
        made = build_batch(
            [Record(0, timestamp_ms, None, value)],
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


def again_after_restarts(k: Session, topic: Topic, value: bytes) -> None:
    """Seven batches, of which a running broker knows five; all are sent again after a stop and two kills."""
    asked = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
    producer = k.send(asked, until=lambda answer: not answer.error_code)
    now_ms = int(time.time() * 1000)
    ends = (7, 9, 12)
    send_sequences(k, topic, producer.producer_id, now_ms, *range(ends[0]), value=value)
    for kill, end, next_end in zip((False, True, True), ends, (*ends[1:], 13), strict=True):
        k.restart_broker(kill=kill)
        send_sequences(k, topic, producer.producer_id, now_ms, *range(next_end), value=value)
        send_sequences(k, topic, producer.producer_id, now_ms, end - 1, end, value=value)


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def only_the_last_of_several_batches_survives(k: Session) -> None:
    again_after_restarts(k, k.create_topic(), b"v")


@scenario(ApiKey.PRODUCE, newest_only=True, restarts=True)
def only_the_last_of_several_segments_survives(k: Session) -> None:
    again_after_restarts(k, k.create_topic(configs=ROLLED), bytes(600_000))
