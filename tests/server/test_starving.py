"""A connection whose every request leaves something to await, none of which ever has to wait."""

import socket

import trio
import trio.testing

from odradek.api.context import Peer
from odradek.protocol.message import Chunk
from odradek.server.connection import Connection
from odradek.server.readiness import open_readiness
from odradek.server.request_memory import RequestMemory
from odradek.server.transport import PlaintextTransport
from tests.server.echo import Echo, EchoCall, EchoDispatcher, framed

PEER = Peer("local-remote-0", "PLAINTEXT", "PLAINTEXT", "/127.0.0.1", 1)


class LargeAnswers(EchoDispatcher):
    """Once it is busy with one peer, another asks for something."""

    def __init__(self, other: socket.socket) -> None:
        super().__init__()
        self._other = other

    def receive(self, frame: memoryview, peer: Peer) -> EchoCall:
        if len(self.started) == 5:
            self._other.sendall(framed("mute quiet"))
        return LargeAnswer(self, bytes(frame))


class LargeAnswer(EchoCall):
    def encode(self, answer: Echo | None) -> list[Chunk] | None:
        return None if answer is None else [bytes(100_000)]


class TakesEverything(PlaintextTransport):
    """The peer reads faster than it is answered."""

    async def send_vectors(self, pieces, *, more):
        pass


async def test_a_peer_of_many_large_answers_does_not_starve_another() -> None:
    ends = [socket.socketpair() for _ in range(2)]
    greedy, quiet = (theirs for _, theirs in ends)
    dispatcher = LargeAnswers(quiet)
    memory = RequestMemory(-1)
    readiness = open_readiness()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(readiness.run)
            for ours, _ in ends:
                transport = TakesEverything(ours)
                connection = Connection(
                    transport, PEER, dispatcher.as_dispatcher(), readiness, memory, 1 << 20
                )
                nursery.start_soon(connection.run)
            await trio.testing.wait_all_tasks_blocked()
            greedy.sendall(framed("large") * 1000)
            while len(dispatcher.started) < 1001:
                await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    greedy.close()
    quiet.close()
    assert dispatcher.started.index("mute quiet") < 100
