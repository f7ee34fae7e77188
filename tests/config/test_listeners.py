import pytest

from odradek.config.definition import ConflictingConfig
from odradek.config.listeners import (
    Listener,
    check_listener_names,
    parse_listeners,
    parse_security_protocols,
)

PROTOCOLS = {"PLAINTEXT": "PLAINTEXT", "SSL": "SSL", "INTERNAL": "PLAINTEXT", "EXTERNAL": "SASL_SSL"}


def listeners(text: str, *, distinct_ports: bool = True) -> tuple[Listener, ...]:
    return parse_listeners("listeners", text, PROTOCOLS, distinct_ports=distinct_ports)


def test_a_listener_has_a_name_a_protocol_a_host_and_a_port():
    assert listeners("internal://127.0.0.1:9092, EXTERNAL://:0") == (
        Listener("INTERNAL", "PLAINTEXT", "127.0.0.1", 9092),
        Listener("EXTERNAL", "SASL_SSL", None, 0),
    )


def test_ipv6_hosts_are_written_in_brackets():
    (listener,) = listeners("PLAINTEXT://[::1]:9092")
    assert listener.host == "::1"
    assert str(listener) == "PLAINTEXT://[::1]:9092"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SSL", "Error creating broker listeners from 'SSL': Unable to parse SSL to a broker endpoint"),
        (
            "A://:1",
            "Error creating broker listeners from 'A://:1': No security protocol defined for listener A",
        ),
        ("SSL://:1,ssl://:2", "requirement failed: Each listener must have a different name, listeners: {}"),
        (
            "SSL://:1,PLAINTEXT://:1",
            "requirement failed: Each listener must have a different port, listeners: {}",
        ),
        (
            "SSL://1.1.1.1:1,PLAINTEXT://1.1.1.2:1",
            "requirement failed: If you have two listeners on the same port then one needs to be IPv4 "
            "and the other IPv6, listeners: {}, port: 1",
        ),
        (
            "SSL://1.1.1.1:1,PLAINTEXT://:1",
            "Each listener must have a different port unless exactly one listener has an IPv4 address "
            "and the other IPv6 address, listeners: {}, port: 1",
        ),
    ],
)
def test_what_kafka_refuses_is_refused_in_its_words(text, message):
    with pytest.raises(ConflictingConfig) as refused:
        listeners(text)
    assert str(refused.value) == message.format(text)


def test_an_ipv4_and_an_ipv6_listener_may_share_a_port_and_several_may_ask_for_free_ones():
    assert len(listeners("SSL://127.0.0.1:1,PLAINTEXT://[::1]:1")) == 2
    assert len(listeners("SSL://:0,PLAINTEXT://:0")) == 2


def test_advertised_listeners_may_share_a_port():
    assert len(listeners("SSL://a:1,PLAINTEXT://b:1", distinct_ports=False)) == 2


def test_the_protocol_map():
    name = "listener.security.protocol.map"
    assert parse_security_protocols(name, "a:ssl, b:PLAINTEXT") == {"A": "SSL", "B": "PLAINTEXT"}
    with pytest.raises(ConflictingConfig, match=f"Invalid security protocol `TLS` defined in {name}"):
        parse_security_protocols(name, "a:TLS")


def test_in_kraft_mode_names_are_looked_at_first():
    check_listener_names("listeners", ["A://:1", "B:"])
    with pytest.raises(ConflictingConfig) as refused:
        check_listener_names("listeners", ["A://:1", "x"])
    assert str(refused.value).endswith("Unable to parse a listener name from x")
