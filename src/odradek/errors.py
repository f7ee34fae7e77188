"""The errors that cross package borders: whose fault it is, and the Kafka code that says so to a client.

Three families, never mixed: a peer that misbehaves on the wire (`MalformedMessage`), a request that is
well formed and refused (`KafkaError`, with Kafka's numeric code), a configuration that cannot be used
(`InvalidConfig`). A failing disk is a `StorageError`, which is a `KafkaError` because clients are told.
Our own bugs are none of these: they stay ordinary exceptions.
"""

from __future__ import annotations

KAFKA_STORAGE_ERROR = 56


class OdradekError(Exception):
    """Base of every error that this package raises on purpose."""


class MalformedMessage(OdradekError):
    """A peer sent bytes that do not form the message they claim to be; costs its connection only."""


class KafkaError(OdradekError):
    """A request refused with a Kafka error code (`odradek.protocol.error_codes.ErrorCode`).

    `message` is what a response's error_message field carries; None where Kafka sends null.
    """

    def __init__(self, code: int, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        name = getattr(self.code, "name", str(int(self.code)))
        return f"{name}: {self.message}" if self.message else name


class StorageError(KafkaError):
    """A log directory failed us; clients are answered KAFKA_STORAGE_ERROR and the broker lives on."""

    def __init__(self, message: str) -> None:
        super().__init__(KAFKA_STORAGE_ERROR, message)


class InvalidConfig(OdradekError):
    """A property whose value cannot be used; says the name, the value and what is allowed."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(name, value, allowed)
        self.name = name
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"Invalid value {self.value} for configuration {self.name}: {self.allowed}"
