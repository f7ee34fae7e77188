"""What the parts of a broker are told of its configuration."""

from odradek.broker.settings import socket_options
from odradek.config.broker_config import BrokerConfig


def test_a_send_buffer_is_as_large_as_it_pays_unless_it_is_configured() -> None:
    assert socket_options(BrokerConfig({})).send_buffer_bytes > 102_400
    configured = BrokerConfig({"socket.send.buffer.bytes": "102400"})
    assert socket_options(configured).send_buffer_bytes == 102_400
