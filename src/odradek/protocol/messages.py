"""The generated messages by API key, loaded when they are first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from odradek.protocol.generated.index import APIS
from odradek.protocol.message import Message


def request_class(api_key: int) -> type[Message]:
    """The request of an API; KeyError for an unknown key."""
    entry = APIS[api_key]
    return _load(entry.request_module, entry.request_class)


def response_class(api_key: int) -> type[Message]:
    """The response of an API; KeyError for an unknown key."""
    entry = APIS[api_key]
    return _load(entry.response_module, entry.response_class)


@cache
def _load(module: str, name: str) -> type[Message]:
    found: type[Message] = getattr(import_module(f"odradek.protocol.generated.{module}"), name)
    return found
