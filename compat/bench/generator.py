"""The load generator's loop: many connections, each with requests in flight, driven by one thread.

It knows sockets and bytes, nothing of Kafka. One thread, because threads of Python that wait for each other's
lock would be the load. It tells how busy it was itself: near 1 the broker could have done more, and only the
broker's processor time says how much.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from compat.bench.connection import Connection

SILENCE_S = 60
"""After which a broker counts as hanging."""


class Lane(Protocol):
    """What one connection asks: owned by the generator."""

    def next_request(self) -> bytes | bytearray | None:
        """The request to send now; None when there is nothing more to ask."""

    def answered(self, answer: memoryview) -> None:
        """Look at an answer, without its size; raises RuntimeError for one with an error."""


@dataclass(slots=True)
class Traffic:
    """What a load did: wall seconds, answers, each round trip in seconds, our own processor seconds."""

    seconds: float = 0.0
    requests: int = 0
    own_cpu_seconds: float = 0.0
    round_trips: list[float] = field(default_factory=list)

    @property
    def generator_busy(self) -> float:
        """The part of one core that the generator itself needed, 0 to 1."""
        return min(1.0, self.own_cpu_seconds / self.seconds) if self.seconds else 0.0


@dataclass(slots=True)
class _Driven:
    connection: Connection
    lane: Lane
    sent_at: deque[float] = field(default_factory=deque)
    is_done: bool = False
    events: int = select.EPOLLIN


def run(address: tuple[str, int], lanes: Sequence[Lane], *, in_flight: int = 1) -> Traffic:
    """Drive a connection for each lane until each has nothing more to ask and every answer has come."""
    driven = [_Driven(Connection(address), lane) for lane in lanes]
    try:
        return _drive({each.connection.fileno(): each for each in driven}, in_flight)
    finally:
        for each in driven:
            each.connection.close()


def _drive(driven: dict[int, _Driven], in_flight: int) -> Traffic:
    traffic = Traffic()
    busy = 0
    with select.epoll() as poll:
        for number in driven:
            poll.register(number, select.EPOLLIN)
        began, own = time.perf_counter(), time.thread_time()
        for number, each in driven.items():
            _fill(each, in_flight)
            _watch(poll, number, each)
            busy += bool(each.sent_at)
        while busy:
            ready = poll.poll(SILENCE_S)
            if not ready:
                raise TimeoutError(f"the broker was silent for {SILENCE_S} s")
            for number, events in ready:
                each = driven[number]
                was_busy = bool(each.sent_at)
                if events & select.EPOLLOUT:
                    each.connection.send_more()
                if events & ~select.EPOLLOUT:
                    _take(each, traffic)
                    _fill(each, in_flight)
                _watch(poll, number, each)
                busy -= was_busy and not each.sent_at
        traffic.seconds = time.perf_counter() - began
        traffic.own_cpu_seconds = time.thread_time() - own
    traffic.requests = len(traffic.round_trips)
    return traffic


def _take(each: _Driven, traffic: Traffic) -> None:
    connection = each.connection
    connection.receive()
    while (answer := connection.next_answer()) is not None:
        traffic.round_trips.append(time.perf_counter() - each.sent_at.popleft())
        each.lane.answered(answer)
        connection.drop(answer)


def _fill(each: _Driven, in_flight: int) -> None:
    while not each.is_done and len(each.sent_at) < in_flight:
        request = each.lane.next_request()
        if request is None:
            each.is_done = True
            return
        each.sent_at.append(time.perf_counter())
        each.connection.post(request)


def _watch(poll: select.epoll, number: int, each: _Driven) -> None:
    wanted = select.EPOLLIN | (select.EPOLLOUT if each.connection.is_sending else 0)
    if wanted != each.events:
        each.events = wanted
        poll.modify(number, wanted)
