"""What each part of a broker wants to know of its configuration."""

from __future__ import annotations

import socket

from odradek.broker.controlled_shutdown import ShutdownSettings
from odradek.config.broker_config import BrokerConfig
from odradek.config.definitions.own import VALIDATE_RECORDS
from odradek.errors import InvalidConfig
from odradek.log.logs import LogsConfig
from odradek.server.connection_quotas import ConnectionLimits
from odradek.server.connection_rate import RateWindows
from odradek.server.listener import SocketOptions
from odradek.server.server import ServerSettings

_CREATION_RATE = "max.connection.creation.rate"

_SEND_BUFFER = "socket.send.buffer.bytes"
_SEND_BUFFER_BYTES = 212_992
"""Unless it is configured: the most that Linux grants by default. Kafka's own 102,400 make a large answer
wait for the reader twice as often, and each wait is a turn of the event loop."""


def logs_config(config: BrokerConfig) -> LogsConfig:
    """Where the logs are, and how often they are looked after."""
    defaults = LogsConfig(config.log_dirs)
    return LogsConfig(
        log_dirs=config.log_dirs,
        flush_scheduler_interval_ms=config.int("log.flush.scheduler.interval.ms"),
        flush_offset_checkpoint_interval_ms=config.int("log.flush.offset.checkpoint.interval.ms"),
        flush_start_offset_checkpoint_interval_ms=config.int("log.flush.start.offset.checkpoint.interval.ms"),
        retention_check_interval_ms=config.int("log.retention.check.interval.ms"),
        producer_id_expiration_ms=_int(
            config, "producer.id.expiration.ms", defaults.producer_id_expiration_ms
        ),
        producer_id_expiration_check_interval_ms=_int(
            config,
            "producer.id.expiration.check.interval.ms",
            defaults.producer_id_expiration_check_interval_ms,
        ),
        recovery_threads_per_data_dir=config.int("num.recovery.threads.per.data.dir"),
        validate_records=config.str(VALIDATE_RECORDS) == "full",
    )


def server_settings(config: BrokerConfig) -> ServerSettings:
    """How large requests may be, and how quiet connections."""
    return ServerSettings(
        request_max_bytes=config.int("socket.request.max.bytes"),
        queued_max_request_bytes=config.int("queued.max.request.bytes"),
        connections_max_idle_ms=config.int("connections.max.idle.ms"),
    )


def socket_options(config: BrokerConfig) -> SocketOptions:
    """Buffers and backlog."""
    return SocketOptions(
        send_buffer_bytes=config.int(_SEND_BUFFER)
        if _SEND_BUFFER in config.originals
        else _SEND_BUFFER_BYTES,
        receive_buffer_bytes=config.int("socket.receive.buffer.bytes"),
        backlog=_int(config, "socket.listen.backlog.size", 50),
    )


def connection_limits(config: BrokerConfig) -> ConnectionLimits:
    """How many connections there may be, and how many a second.

    Raises InvalidConfig for an override that names no address.
    """
    listeners: dict[str, int] = {}
    rates: dict[str, int] = {}
    for listener in config.listeners:
        for limits, limit_name in ((listeners, "max.connections"), (rates, _CREATION_RATE)):
            limit = config.listener_int(listener.name, limit_name)
            if limit is not None:
                limits[listener.name] = limit
    name = "max.connections.per.ip.overrides"
    addresses = {}
    for override in config.list(name):
        host, _, count = override.rpartition(":")
        try:
            addresses[f"/{socket.gethostbyname(host.strip())}"] = int(count)
        except (OSError, ValueError):
            raise InvalidConfig(name, override, "a host that can be resolved, a colon and a number") from None
    return ConnectionLimits(
        broker=config.int("max.connections"),
        listeners=listeners,
        address=config.int("max.connections.per.ip"),
        addresses=addresses,
        broker_rate=config.int(_CREATION_RATE),
        listener_rates=rates,
    )


def rate_windows(config: BrokerConfig) -> RateWindows:
    """Over which time the rate of new connections is measured."""
    return RateWindows(config.int("quota.window.num"), config.int("quota.window.size.seconds"))


def shutdown_settings(config: BrokerConfig) -> ShutdownSettings:
    """How often the controller is asked to move a stopping broker's leaders."""
    return ShutdownSettings(
        attempts=_int(config, "controlled.shutdown.max.retries", 3),
        retry_backoff_ms=_int(config, "controlled.shutdown.retry.backoff.ms", 5000),
    )


def _int(config: BrokerConfig, name: str, otherwise: int) -> int:
    """A config that the emulated release may not have yet."""
    return config.int(name) if name in config.definitions else otherwise
