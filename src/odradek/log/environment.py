"""LogEnvironment: what all logs of a broker share."""

from __future__ import annotations

from dataclasses import field

from odradek.clock import Clock
from odradek.log.flusher import FlushQueue
from odradek.log.offload import Offload, in_thread
from odradek.value_object import value_object

DAY_MS = 24 * 60 * 60 * 1000


@value_object
class LogEnvironment:
    """The broker's clock, its threads, and those of its configs that are not topic configs."""

    clock: Clock
    offload: Offload = in_thread
    flushes: FlushQueue = field(default_factory=FlushQueue)
    producer_id_expiration_ms: int = DAY_MS
    """producer.id.expiration.ms"""
    validate_records: bool = False
    """odradek.validate.records=full"""
