"""A stand-in for the dispatcher: frames that say what happens to them, instead of requests.

wait NAME   answered once `release(NAME)` was called; the next frame is read meanwhile (as Produce)
turn NAME   answered once `release(NAME)` was called; the next frame waits although the API overlaps
hold NAME   the same, but the next frame is not read
poll NAME   the same as hold, of an API that only waits (as Fetch)
mute        not answered
end         the connection has to close
bad         no request at all
...         answered with itself
"""

import struct
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, cast

import trio

from odradek.api.api import ConnectionEnded, InTurn, NeverAnswered
from odradek.api.context import Peer
from odradek.api.dispatch import Dispatcher
from odradek.errors import MalformedMessage
from odradek.protocol.message import Chunk, Message


def framed(text: str | bytes) -> bytes:
    payload = text.encode() if isinstance(text, str) else text
    return struct.pack(">i", len(payload)) + payload


class Echo(Message):
    __slots__ = ("payload",)

    def __init__(self, payload: bytes) -> None:
        self.payload = payload


@dataclass
class EchoApi:
    overlaps: bool
    only_waits: bool


class EchoCall:
    def __init__(self, dispatcher: "EchoDispatcher", frame: bytes) -> None:
        self._dispatcher = dispatcher
        self._frame = frame
        self.api = EchoApi(frame.startswith((b"wait", b"turn")), frame.startswith(b"poll"))

    def start(self) -> Any:
        self._dispatcher.started.append(self._frame.decode())
        verb, _, name = self._frame.decode().partition(" ")
        if verb in ("wait", "hold", "poll"):
            return self._released(name)
        if verb == "turn":
            return InTurn(lambda: self._released(name))
        if verb == "bug":
            raise ZeroDivisionError
        if verb == "end":
            raise ConnectionEnded("told to")
        if verb == "hush":
            raise NeverAnswered("told to")
        return None if verb == "mute" else Echo(self._frame)

    async def _released(self, name: str) -> Echo:
        await self._dispatcher.events[name].wait()
        if name == "bug":
            raise ZeroDivisionError
        return Echo(self._frame)

    async def finish(self, started: Echo | Awaitable[Echo] | None) -> list[Chunk] | None:
        return self.encode(await started if isinstance(started, Awaitable) else started)

    def encode(self, answer: Echo | None) -> list[Chunk] | None:
        return None if answer is None else [framed(answer.payload)]


class EchoDispatcher:
    """Which frames were started, and the events that release the waiting ones."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.events: dict[str, trio.Event] = defaultdict(trio.Event)

    def receive(self, frame: memoryview, peer: Peer) -> EchoCall:
        if bytes(frame) == b"bad":
            raise MalformedMessage("no request at all")
        return EchoCall(self, bytes(frame))

    def release(self, name: str) -> None:
        self.events[name].set()

    def as_dispatcher(self) -> Dispatcher:
        return cast("Dispatcher", self)
