"""One connection: frames in, answers out, in order.

The connection's task reads a frame, has it handled, sends the answer, and reads the next. Only requests of
an overlapping API (Produce) are answered later: while they wait for replication the next frame is read, up
to a bound, and a second task sends their answers in the order in which they came; any other request waits
for them first.

What a peer does wrong costs this connection only. The loop is written for requests that take some tens of
microseconds: it waits for the socket only after the socket had nothing, opens no nursery or cancel scope
for a request, and yields to the other tasks by the amount of work it has done.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import trio

from odradek.api.api import ConnectionEnded, NeverAnswered
from odradek.api.context import Peer
from odradek.api.dispatch import Call, Dispatcher, Started
from odradek.errors import MalformedMessage
from odradek.protocol.message import Message
from odradek.server.receive_buffer import ReceiveBuffer
from odradek.server.request_memory import RequestMemory
from odradek.server.response_writer import send_response
from odradek.server.transport import PlaintextTransport
from odradek.telemetry import get_logger

_log = get_logger(__name__)

_MAX_DEFERRED = 256
_MAX_DEFERRED_BYTES = 32 * 1024 * 1024
_KEPT_BYTES = 2 * 1024 * 1024
"""A buffer for larger requests than this is given back after each, or many connections would keep many."""

_WORK_BETWEEN_CHECKPOINTS = 1024 * 1024
_WORK_OF_A_REQUEST = 32 * 1024
"""What a request costs besides its bytes, in the bytes that take as long to receive and copy."""

_PEER_IS_GONE = (OSError, trio.ClosedResourceError)
_PEER_MISBEHAVED = (MalformedMessage, ConnectionEnded)


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A request whose answer waits for replication, or behind one that does."""

    call: Call
    started: Started
    size_bytes: int


class Connection:
    """The server's end of one connection. All state is owned by the task that runs `run`."""

    def __init__(
        self,
        transport: PlaintextTransport,
        peer: Peer,
        dispatcher: Dispatcher,
        memory: RequestMemory,
        max_frame_bytes: int,
    ) -> None:
        self.peer = peer
        self.active_at = trio.current_time()
        """When it last waited for a request, in trio's time."""
        self._transport = transport
        self._dispatcher = dispatcher
        self._memory = memory
        self._reserved_bytes = 0
        self._buffer = ReceiveBuffer(max_frame_bytes)
        self._receiving = False
        self._only_waits = False
        self._scope = trio.CancelScope()
        self._deferred: deque[_Deferred] = deque()
        self._deferred_bytes = 0
        self._answered = trio.lowlevel.ParkingLot()

    async def run(self) -> None:
        """Serve the peer until it leaves, misbehaves, or `close` is called. Raises nothing but Cancelled."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await self._receive(nursery)
        finally:
            self._memory.release(self._reserved_bytes)
            self._transport.close()

    def close(self) -> None:
        """End it from outside; requests in progress are abandoned."""
        self._scope.cancel()

    def shrink(self) -> None:
        """Give the memory of large requests back, if none is being received or handled."""
        if self._receiving:
            self._buffer.shrink()

    def close_if_abandoned(self) -> None:
        """End it if its peer has left while a request of its waits for something to happen."""
        if self._only_waits and self._transport.peer_has_left():
            self.close()

    async def _receive(self, nursery: trio.Nursery) -> None:
        try:
            try:
                await self._serve(nursery)
            except NeverAnswered as reason:
                self._log_end(reason)
                await self._stay_silent()
        except Exception as reason:  # noqa: BLE001 - whatever it is costs this connection only, and is logged
            self._log_end(reason)
            if isinstance(reason, _PEER_MISBEHAVED):
                await self._wait_answered()
        self._scope.cancel()

    async def _serve(self, nursery: trio.Nursery) -> None:
        buffer, transport = self._buffer, self._transport
        work = 0
        while True:
            frame = buffer.next_frame()
            if frame is not None:
                await self._handle(frame, nursery)
                work += _WORK_OF_A_REQUEST + len(frame)
                if len(frame) > _KEPT_BYTES:
                    buffer.shrink()
                if work >= _WORK_BETWEEN_CHECKPOINTS:
                    work = 0
                    await trio.lowlevel.checkpoint()
                continue
            if self._memory.bounded and buffer.frame_bytes > self._reserved_bytes:
                await self._memory.reserve(buffer.frame_bytes)
                self._reserved_bytes = buffer.frame_bytes
            received = transport.receive_nowait(buffer.room())
            if received > 0:
                buffer.received(received)
            elif received == 0:
                return
            else:
                work = 0
                self.active_at = trio.current_time()
                self._receiving = True
                await transport.wait_readable()
                self._receiving = False

    async def _handle(self, frame: memoryview, nursery: trio.Nursery) -> None:
        call = self._dispatcher.receive(frame, self.peer)
        overlaps = call.api.overlaps
        if self._deferred and not overlaps:
            await self._wait_answered()
        started = call.start()
        if overlaps and (self._deferred or not (started is None or isinstance(started, Message))):
            await self._defer(_Deferred(call, started, len(frame)), nursery)
        else:
            self._only_waits = call.api.only_waits
            chunks = await call.finish(started)
            self._only_waits = False
            if chunks is not None:
                await send_response(self._transport, chunks)
        if self._reserved_bytes:
            self._memory.release(self._reserved_bytes)
            self._reserved_bytes = 0

    async def _defer(self, deferred: _Deferred, nursery: trio.Nursery) -> None:
        """Have it answered after those before it; waits while too much is unanswered."""
        while len(self._deferred) >= _MAX_DEFERRED or self._deferred_bytes >= _MAX_DEFERRED_BYTES:
            await self._answered.park()
        self._deferred.append(deferred)
        self._deferred_bytes += deferred.size_bytes
        if len(self._deferred) == 1:
            nursery.start_soon(self._answer_deferred)

    async def _answer_deferred(self) -> None:
        try:
            while self._deferred:
                first = self._deferred[0]
                chunks = await first.call.finish(first.started)
                if chunks is not None:
                    await send_response(self._transport, chunks)
                self._deferred.popleft()
                self._deferred_bytes -= first.size_bytes
                self._answered.unpark_all()
        except Exception as reason:  # noqa: BLE001 - whatever it is costs this connection only, and is logged
            self._log_end(reason)
            self._scope.cancel()

    async def _stay_silent(self) -> None:
        """Read nothing more until the peer leaves, or the connection has been idle for too long."""
        await self._wait_answered()
        self._memory.release(self._reserved_bytes)
        self._reserved_bytes = 0
        self.active_at = trio.current_time()
        self._only_waits = True
        await trio.sleep_forever()

    async def _wait_answered(self) -> None:
        while self._deferred:
            await self._answered.park()

    def _log_end(self, reason: Exception) -> None:
        silent = isinstance(reason, NeverAnswered)
        what = "Leaving a connection without an answer" if silent else "Closing a connection"
        connection = self.peer.connection_id
        if isinstance(reason, _PEER_IS_GONE):
            _log.debug(what, connection=connection, reason=str(reason))
        elif isinstance(reason, _PEER_MISBEHAVED):
            _log.warn(what, connection=connection, reason=str(reason))
        else:
            _log.error(what, connection=connection, exc_info=reason)
