"""A client of a broker that answers, or fails, as a test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from odradek.protocol.message import Message

Script = Callable[[Message], Any]
"""What a call comes to: a response, or an exception, which is raised."""


class ScriptedClients:
    """Makes clients, by address; keeps what they were asked, and which were closed."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[tuple[str, int, Message, int]] = []
        """Host, port, request, version."""
        self.closed: list[tuple[str, int]] = []
        self.holding: trio.Event | None = None
        """Calls wait for it, if there is one."""

    def connect(self, host: str, port: int) -> ScriptedClient:
        return ScriptedClient(self, host, port)


class ScriptedClient:
    def __init__(self, clients: ScriptedClients, host: str, port: int) -> None:
        self._clients = clients
        self._address = host, port

    async def call(self, request: Message, version: int) -> Any:
        self._clients.calls.append((*self._address, request, version))
        if self._clients.holding is not None:
            await self._clients.holding.wait()
        await trio.lowlevel.checkpoint()
        result = self._clients.script(request)
        if isinstance(result, Exception):
            raise result
        return result

    async def aclose(self) -> None:
        self._clients.closed.append(self._address)
