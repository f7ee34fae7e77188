"""The answer to a request whose handler failed: an error code for the request as a whole.

Source: `RequestHandlerHelper.handleError`, `AbstractRequest.getErrorResponse`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odradek.protocol.messages import response_class

if TYPE_CHECKING:
    from odradek.api.api import Answer, Api
    from odradek.api.context import RequestContext
    from odradek.protocol.message import Message


def refusal(api: Api[Any], request: Message, ctx: RequestContext, code: int) -> Answer:
    """What to answer with this error code; None where nothing can be said and the connection closes.

    An API with an answer of its own gives it; otherwise the code goes into the response's error code, if
    it has one at its top level.
    """
    if api.refuse is not None:
        return api.refuse(request, ctx, code)
    response: Any = response_class(api.key)()
    if "error_code" not in response.__slots__:
        return None
    response.error_code = code
    return response  # type: ignore[no-any-return]
