"""Conversations about groups that can be had with any coordinator, and a transcript to compare them by.

A scenario is a function of a `Conversation`. Member ids are random, so the transcript calls members by the
order in which they appear; whatever has no order in Kafka (it lives in hash maps) is sorted.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Protocol

from odradek.protocol.message import Message, Structure


class Pending(Protocol):
    """A request that has been sent."""

    def take(self) -> Any:
        """The response, waited for."""


class Coordinator(Protocol):
    """Somebody to talk to."""

    def post(self, request: Message, version: int) -> Pending:
        """Send a request on a connection of its own."""


class Conversation:
    """What was said. `group` is a fresh group id; topic `t` exists with two partitions under its name."""

    def __init__(self, coordinator: Coordinator, topic: str, topic_id: uuid.UUID) -> None:
        self._coordinator = coordinator
        self._members: dict[str, str] = {}
        self.topic = topic
        self.topic_id = topic_id
        self.group = f"group-{uuid.uuid4()}"
        self.transcript: list[tuple[str, Any]] = []

    def post(self, request: Message, version: int) -> Pending:
        """Send without waiting; the answer is part of the transcript once it is taken."""
        return _Noted(self, type(request).__name__, version, self._coordinator.post(request, version))

    def ask(self, request: Message, version: int) -> Any:
        """Send and wait."""
        return self.post(request, version).take()

    def note(self, name: str, response: Any) -> None:
        self.transcript.append((name, self._plain(response)))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Structure):
            names = [name for name in value.__slots__ if name not in ("throttle_time_ms", "tagged")]
            plain = {name: self._plain(getattr(value, name)) for name in names}
            for name in ("member_id", "leader"):
                if plain.get(name):
                    plain[name] = self._members.setdefault(plain[name], f"member {len(self._members) + 1}")
            return plain
        if isinstance(value, list):
            return sorted((self._plain(item) for item in value), key=repr)
        if isinstance(value, str):
            return value.replace(self.group, "<group>").replace(self.topic, "t")
        return "id of t" if value == self.topic_id else value


class _Noted:
    def __init__(self, conversation: Conversation, name: str, version: int, pending: Pending) -> None:
        self._conversation = conversation
        self._name = f"{name} {version}"
        self._pending = pending

    def take(self) -> Any:
        response = self._pending.take()
        self._conversation.note(self._name, response)
        return response


Scenario = Callable[[Conversation], None]
