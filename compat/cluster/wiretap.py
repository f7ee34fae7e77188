"""What brokers said to each other, read from a proxy's frames: requests with their answers, decoded."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from compat.cluster.proxy import Direction, Frame
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.headers import RequestHeader, decode_request_header, decode_response_header
from odradek.protocol.message import Message
from odradek.protocol.messages import request_class, response_class


@dataclass(slots=True)
class Exchange:
    """One request to ``broker`` and its answer, ``None`` while there is none; frames without their sizes."""

    at_s: float
    broker: int
    header: RequestHeader
    request_frame: bytes
    request: Message
    answered_s: float | None = None
    response_frame: bytes | None = None
    response: Message | None = None

    @property
    def api(self) -> ApiKey:
        return ApiKey(self.header.api_key)


class Wiretap:
    """Listens at any number of proxies; its exchanges are in the order of their requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._open: dict[tuple[int, int, int], Exchange] = {}

    def __iter__(self) -> Iterator[Exchange]:
        """The exchanges so far."""
        with self._lock:
            return iter(list(self._exchanges))

    def clear(self) -> None:
        """Forget what has been said; answers that are still to come go with their requests."""
        with self._lock:
            self._exchanges.clear()

    def hear(self, broker: int, frame: Frame) -> None:
        """Take one frame that passed the proxy of ``broker``. Frames that nobody can read are left out."""
        with self._lock:
            if frame.direction is Direction.TO_BROKER:
                self._hear_request(broker, frame)
            else:
                self._hear_response(broker, frame)

    def _hear_request(self, broker: int, frame: Frame) -> None:
        view = memoryview(frame.payload)
        try:
            header, body = decode_request_header(view)
            request = request_class(header.api_key).decode(header.api_version, view, body)
        except MalformedMessage:
            return
        exchange = Exchange(frame.at_s, broker, header, frame.payload, request)
        self._exchanges.append(exchange)
        self._open[broker, frame.connection, header.correlation_id] = exchange

    def _hear_response(self, broker: int, frame: Frame) -> None:
        correlation_id = int.from_bytes(frame.payload[:4], "big", signed=True)
        exchange = self._open.pop((broker, frame.connection, correlation_id), None)
        if exchange is None:
            return
        header = exchange.header
        view = memoryview(frame.payload)
        _, body = decode_response_header(view, header.api_key, header.api_version)
        exchange.answered_s = frame.at_s
        exchange.response_frame = frame.payload
        exchange.response = response_class(header.api_key).decode(header.api_version, view, body)
