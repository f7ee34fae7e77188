"""What an API module declares: its key, the versions it serves, the request it reads, and its handler.

    api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)

    @api.handler
    async def heartbeat(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse: ...

The table of `odradek.api.registry` repeats key and versions, so that ApiVersions is answered without
loading every API; a test holds the two together. This module knows nothing of sockets, and of no
particular API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from odradek.errors import OdradekError
from odradek.protocol.message import Message
from odradek.value_object import value_object

if TYPE_CHECKING:
    from odradek.api.context import RequestContext
    from odradek.protocol.api_keys import ApiKey

RequestT = TypeVar("RequestT", bound=Message)
Answer = Message | None
AnswerT = TypeVar("AnswerT", bound=Answer | Awaitable[Answer])
Handler = Callable[[RequestT, "RequestContext"], AnswerT]
RefusalT = TypeVar("RefusalT", bound=Answer)
Refusal = Callable[[RequestT, "RequestContext", int], RefusalT]


class ConnectionEnded(OdradekError):
    """Raised by a handler whose only way to tell the peer is to close its connection; says why, for the log.

    So Kafka does when a Produce with acks=0, which expects no answer, failed.
    """


class NeverAnswered(ConnectionEnded):
    """Raised by a handler where Kafka fails so that it does not even answer with an error.

    The connection stays open, and nothing that comes on it later is answered; clients give up in time.
    """


class InTurn(Awaitable[Answer]):
    """What the handler of an overlapping API returns where it is not done with the request's memory yet.

    The connection answers what is before it, then awaits this, and reads nothing before that is answered.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[], Awaitable[Answer]]) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, None, Answer]:
        return self._answer().__await__()


@value_object
class Versions:
    """A range of versions of one API, both ends inclusive."""

    first: int
    last: int

    def __contains__(self, version: int) -> bool:
        return self.first <= version <= self.last

    def __and__(self, other: Versions) -> Versions | None:
        """What both ranges hold; None if nothing."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Versions(first, last) if first <= last else None


@dataclass(slots=True)
class Api(Generic[RequestT]):
    """One API of the protocol, as this broker serves it.

    `overlaps` is Produce's: its handler is a plain function whose synchronous part has consumed the
    request's memory (the records are appended), and what it returns to be awaited only waits for
    replication, so the connection's next request is read meanwhile (`InTurn` is the exception). Every other
    API's request memory stays valid until its handler is done, and its connection reads nothing before that.

    `only_waits` is that of Fetch, JoinGroup and SyncGroup: what their handlers still await changes nothing,
    so it is given up once the peer has left, and does not hold a connection for as long as the peer said.

    A handler returns None when the client expects no answer (Produce with acks=0).
    """

    key: ApiKey
    versions: Versions
    request: type[RequestT]
    overlaps: bool = False
    only_waits: bool = False
    handle: Handler[RequestT, Any] = field(init=False)
    refuse: Refusal[RequestT, Answer] | None = field(init=False, default=None)

    def handler(self, handle: Handler[RequestT, AnswerT]) -> Handler[RequestT, AnswerT]:
        """Decorator: the function, async or not, that answers this API's requests."""
        self.handle = handle
        return handle

    def refusal(self, refuse: Refusal[RequestT, RefusalT]) -> Refusal[RequestT, RefusalT]:
        """Decorator: what answers a request as a whole with an error code, when its handler failed.

        Kafka's `AbstractRequest.getErrorResponse`; None closes the connection. Without one, a response
        that has an error code of its own gets it there (`odradek.api.refusals`).
        """
        self.refuse = refuse
        return refuse
