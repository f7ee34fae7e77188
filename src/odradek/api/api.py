"""What an API module declares: its key, the versions it serves, the request it reads, and its handler.

    api = Api(key=ApiKey.HEARTBEAT, versions=Versions(0, 4), request=HeartbeatRequest)

    @api.handler
    async def heartbeat(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse: ...

Everything else derives from these declarations: the dispatch table, the answer of ApiVersions, the list
of what is not served yet. This module knows nothing of sockets, and of no particular API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from odradek.api.context import RequestContext
    from odradek.protocol.api_keys import ApiKey


class Request(Protocol):
    """A generated request: decodes one version from a frame."""

    API_KEY: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]

    @classmethod
    def decode(cls, version: int, buffer: memoryview, offset: int = 0) -> Self:
        """Raises MalformedMessage when the bytes are not this message."""


class Response(Protocol):
    """A generated response: encodes itself as chunks, some of which may be slices of a log."""

    API_KEY: ClassVar[int]
    FLEXIBLE_FROM: ClassVar[int]

    def encode_into(self, version: int, out: list[Any]) -> None:
        """Append this message's bytes to `out`, in order."""


RequestT = TypeVar("RequestT", bound=Request)
Answer = Response | None
AnswerT = TypeVar("AnswerT", bound=Answer | Awaitable[Answer])
Handler = Callable[[RequestT, "RequestContext"], AnswerT]
Refusal = Callable[[RequestT, int], Response]


@dataclass(frozen=True, slots=True)
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

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(slots=True)
class Api(Generic[RequestT]):
    """One API of the protocol, as this broker serves it.

    `overlaps` is Produce's: its handler is a plain function whose synchronous part has consumed the
    request's memory (the records are appended), and what it returns to be awaited only waits for
    replication, so the connection's next request is read meanwhile. Every other API's request memory
    stays valid until its handler is done, and its connection reads nothing before that.

    A handler returns None when the client expects no answer (Produce with acks=0).
    """

    key: ApiKey
    versions: Versions
    request: type[RequestT]
    overlaps: bool = False
    handle: Handler[RequestT, Any] = field(init=False)
    refuse: Refusal[RequestT] | None = field(init=False, default=None)

    def handler(self, handle: Handler[RequestT, AnswerT]) -> Handler[RequestT, AnswerT]:
        """Decorator: the function, async or not, that answers this API's requests."""
        self.handle = handle
        return handle

    def refusal(self, refuse: Refusal[RequestT]) -> Refusal[RequestT]:
        """Decorator: what answers a request whose handler failed unexpectedly, given the error code.

        Kafka's `AbstractRequest.getErrorResponse`. Without one, the connection of a failed request closes.
        """
        self.refuse = refuse
        return refuse
