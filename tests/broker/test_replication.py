"""What a broker's fetchers are told of its configuration."""

from __future__ import annotations

from odradek.broker.replication import fetcher_client_settings
from odradek.config.broker_config import BrokerConfig
from odradek.peers.broker_client import ClientSettings


def test_followers_wait_for_connections_as_long_as_kafkas() -> None:
    assert fetcher_client_settings(BrokerConfig({})) == ClientSettings(
        request_timeout_ms=30_000, connection_setup_timeout_ms=10_000
    )
    hasty = BrokerConfig({"replica.socket.timeout.ms": "3000", "request.timeout.ms": "5000"})
    assert fetcher_client_settings(hasty) == ClientSettings(
        request_timeout_ms=5000, connection_setup_timeout_ms=3000
    )


def test_a_followers_receive_buffer_is_the_systems_unless_it_is_configured() -> None:
    configured = BrokerConfig({"replica.socket.receive.buffer.bytes": "65536"})
    assert fetcher_client_settings(BrokerConfig({})).receive_buffer_bytes == -1
    assert fetcher_client_settings(configured).receive_buffer_bytes == 65536
