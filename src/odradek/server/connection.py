"""One connection: frames in, answers out, in order.

A turn (`serve_nowait`) receives, cuts frames, and has them handled; what is answered at once and is small is
sent at the turn's end. Turns are taken by `Readiness` for all connections. Where something has to be awaited
(a handler, a file, a slow peer), a turn ends with that as a step, which the connection's own task awaits
before it goes on taking turns.

Only requests of an overlapping API (Produce) are answered later: while they wait for replication the next
frame is read, up to a bound, and a second task sends their answers in the order in which they came; any other
request waits for them first. A Produce that takes long to be appended is no such: the next frame waits.

What a peer does wrong costs this connection only. The loop is written for requests that take some tens of
microseconds: it opens no nursery or cancel scope for a request, and yields to the other connections by the
amount of work it has done.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

import trio

from odradek.api.api import ConnectionEnded, InTurn, NeverAnswered
from odradek.api.context import Peer
from odradek.api.dispatch import Call, Dispatcher, Started
from odradek.errors import MalformedMessage
from odradek.protocol.message import Chunk, Message
from odradek.server.readiness import Readiness, Step
from odradek.server.receive_buffer import ReceiveBuffer
from odradek.server.request_memory import RequestMemory
from odradek.server.response_writer import join_nowait, send_response
from odradek.server.transport import PlaintextTransport
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

_MAX_DEFERRED = 256
_MAX_DEFERRED_BYTES = 32 * 1024 * 1024
_KEPT_BYTES = 2 * 1024 * 1024
"""A buffer for larger requests than this is given back after each, or many connections would keep many."""

_WORK_OF_A_TURN = 1024 * 1024
_WORK_OF_A_REQUEST = 64 * 1024
"""What a request costs besides its bytes, in the bytes that take as long to receive and copy."""

_STEPS_IN_A_ROW = 8
"""Before others have a turn: a step need not wait for anything, as sending to a peer that reads fast."""

_PEER_IS_GONE = (OSError, trio.ClosedResourceError)
_PEER_MISBEHAVED = (MalformedMessage, ConnectionEnded)


class _PeerLeft(Exception):
    """The peer has closed its end."""


@value_object
class _Deferred:
    """A request whose answer waits for replication, or behind one that does."""

    call: Call
    started: Started
    size_bytes: int


class Connection:
    """The server's end of one connection. All state is owned by the task that runs `run`.

    While that waits for the next request, whoever it waits with takes the turns.
    """

    _nursery: trio.Nursery

    def __init__(
        self,
        transport: PlaintextTransport,
        peer: Peer,
        dispatcher: Dispatcher,
        readiness: Readiness,
        memory: RequestMemory,
        max_frame_bytes: int,
    ) -> None:
        self.peer = peer
        self.active_at = trio.current_time()
        """When its latest turn began, in trio's time."""
        self.has_received = False
        """Whether its latest turn found anything to receive."""
        self._transport = transport
        self._dispatcher = dispatcher
        self._readiness = readiness
        self._memory = memory
        self._reserved_bytes = 0
        self._buffer = ReceiveBuffer(max_frame_bytes)
        self._outgoing: list[bytes] = []
        """What the turn has answered; empty while anything is deferred."""
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
                async with trio.open_nursery() as self._nursery:
                    await self._receive()
        finally:
            self._memory.release(self._reserved_bytes)
            self._readiness.forget(self)
            self._transport.close()

    def fileno(self) -> int:
        return self._transport.fileno()

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

    async def _receive(self) -> None:
        try:
            try:
                await self._serve()
            except NeverAnswered as reason:
                self._log_end(reason)
                await self._send_answered()
                await self._stay_silent()
        except _PeerLeft:
            await self._send_answered()
        except Exception as reason:  # noqa: BLE001 - whatever it is costs this connection only, and is logged
            self._log_end(reason)
            await self._send_answered()
            if isinstance(reason, _PEER_MISBEHAVED):
                await self._wait_answered()
        self._scope.cancel()

    async def _serve(self) -> None:
        steps = 0
        while True:
            step = self.serve_nowait() or self.flush_nowait()
            if step is None:
                self._receiving = True
                step = await self._readiness.wait(self)
                self._receiving = False
                steps = 0
            await step
            steps += 1
            if steps == _STEPS_IN_A_ROW:
                await trio.lowlevel.checkpoint()
                steps = 0

    def serve_nowait(self) -> Step | None:
        """Take a turn: what is left to be awaited, or None to go on once there is more to receive.

        Raises MalformedMessage, ConnectionEnded, OSError, and _PeerLeft: each ends the connection.
        """
        buffer = self._buffer
        self.active_at = trio.current_time()
        self.has_received = False
        work = 0
        has_more = True
        while True:
            frame = buffer.next_frame()
            if frame is not None:
                step = self._handle_nowait(frame)
                if step is not None:
                    return step
                work += _WORK_OF_A_REQUEST + len(frame)
                if len(frame) > _KEPT_BYTES:
                    buffer.shrink()
                if work >= _WORK_OF_A_TURN:
                    return self._let_others()
                continue
            if not has_more:
                return None
            if self._memory.bounded and buffer.frame_bytes > self._reserved_bytes:
                return self._reserve(buffer.frame_bytes)
            room = buffer.room()
            received = self._transport.receive_nowait(room)
            if received < 0:
                return None
            if received == 0:
                raise _PeerLeft
            buffer.received(received)
            self.has_received = True
            # To ask once more whether there is more costs a tenth of a small request.
            has_more = received == len(room)

    def flush_nowait(self) -> Step | None:
        """Send what the turn has answered; None when all is sent. Raises OSError."""
        if not self._outgoing:
            return None
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        sent = self._transport.send_nowait(data)
        return None if sent == len(data) else self._transport.send(memoryview(data)[sent:])

    def _handle_nowait(self, frame: memoryview) -> Step | None:
        """Have a request handled and, if that needs no waiting, answered; else what remains to be done."""
        call = self._dispatcher.receive(frame, self.peer)
        if self._deferred and not call.api.overlaps:
            return self._start_behind_deferred(call)
        started = call.start()
        if self._deferred or not (started is None or isinstance(started, Message)):
            return self._finish(call, started, len(frame))
        chunks = call.encode(started)
        if chunks is not None:
            answer = join_nowait(chunks)
            if answer is None:
                return self._send(chunks)
            self._outgoing.append(answer)
        if self._reserved_bytes:
            self._release_memory()
        return None

    # Steps

    async def _let_others(self) -> None:
        """This peer has a lot to say, and others wait for their turn."""
        await self._send_outgoing()
        await trio.lowlevel.checkpoint()

    async def _reserve(self, size_bytes: int) -> None:
        await self._send_outgoing()
        await self._memory.reserve(size_bytes)
        self._reserved_bytes = size_bytes

    async def _start_behind_deferred(self, call: Call) -> None:
        await self._wait_answered()
        await self._finish(call, call.start(), 0)

    async def _finish(self, call: Call, started: Started, size_bytes: int) -> None:
        """Answer a request that was started, now or behind those that are deferred."""
        await self._send_outgoing()
        if isinstance(started, InTurn):
            await self._wait_answered()
        elif call.api.overlaps:
            await self._defer(_Deferred(call, started, size_bytes))
            self._release_memory()
            return
        self._only_waits = call.api.only_waits
        chunks = await call.finish(started)
        self._only_waits = False
        await self._send(chunks)

    async def _send(self, chunks: list[Chunk] | None) -> None:
        """Send what is answered so far, and then an answer that is large, if there is one."""
        await self._send_outgoing()
        if chunks is not None:
            await send_response(self._transport, chunks)
        self._release_memory()

    async def _send_outgoing(self) -> None:
        step = self.flush_nowait()
        if step is not None:
            await step

    async def _send_answered(self) -> None:
        """What came before the end was answered, if the peer still takes it."""
        with suppress(*_PEER_IS_GONE):
            await self._send_outgoing()

    def _release_memory(self) -> None:
        self._memory.release(self._reserved_bytes)
        self._reserved_bytes = 0

    async def _defer(self, deferred: _Deferred) -> None:
        """Have it answered after those before it; waits while too much is unanswered."""
        while len(self._deferred) >= _MAX_DEFERRED or self._deferred_bytes >= _MAX_DEFERRED_BYTES:
            await self._answered.park()
        self._deferred.append(deferred)
        self._deferred_bytes += deferred.size_bytes
        if len(self._deferred) == 1:
            self._nursery.start_soon(self._answer_deferred)

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
        self._release_memory()
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
