"""Listeners: where a broker accepts connections, and which addresses it tells clients.

`listeners` is `NAME://host:port,...`; a name's security protocol comes from
`listener.security.protocol.map`. Names are upper case whatever their spelling. An empty host binds every
interface, port 0 a free port. Source: SocketServerConfigs.listenerListToEndPoints, CoreUtils.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from odradek.config.definition import ConflictingConfig, parse_integer
from odradek.value_object import value_object

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

_ENDPOINT = re.compile(r"(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)")
_COMMA = re.compile(r"\s*,\s*")


@value_object
class Listener:
    """One listener. `host` None is every interface; `name` is upper case."""

    name: str
    security_protocol: str
    host: str | None
    port: int

    def __str__(self) -> str:
        host = self.host or ""
        return f"{self.name}://{f'[{host}]' if ':' in host else host}:{self.port}"


def split_list(text: str) -> tuple[str, ...]:
    """The elements of a comma separated list, without empty ones. Source: Csv.parseCsvList."""
    return tuple(element for element in _COMMA.split(text.strip()) if element)


def parse_security_protocols(name: str, text: str) -> dict[str, str]:
    """`NAME:PROTOCOL,...` to listener name → security protocol. Raises ConflictingConfig."""
    protocols = {}
    for element in split_list(text):
        listener, colon, protocol = element.rpartition(":")
        if not colon:
            raise ConflictingConfig(name, text, f"Error parsing configuration property '{name}': {element}")
        if protocol.strip().upper() not in SECURITY_PROTOCOLS:
            raise ConflictingConfig(
                name, text, f"Invalid security protocol `{protocol.strip()}` defined in {name}"
            )
        protocols[listener.strip().upper()] = protocol.strip().upper()
    return protocols


def check_listener_names(name: str, listeners: Sequence[str]) -> None:
    """Refuse a listener that does not begin with a name. Raises ConflictingConfig.

    In KRaft mode Kafka looks at the names alone before it reads the rest.
    """
    for listener in listeners:
        if ":" not in listener:
            raise ConflictingConfig(
                name, ",".join(listeners), f"Unable to parse a listener name from {listener}"
            )


def parse_listeners(
    name: str, text: str, protocols: Mapping[str, str], *, distinct_ports: bool = True
) -> tuple[Listener, ...]:
    """Read `listeners` or `advertised.listeners`; the latter may repeat a port. Raises ConflictingConfig."""
    listeners = tuple(_parse_endpoint(name, text, element, protocols) for element in split_list(text))
    repeated = [each for each, count in Counter(listener.name for listener in listeners).items() if count > 1]
    if repeated:
        raise _refused(name, text, f"Each listener must have a different name, listeners: {text}")
    if distinct_ports:
        _check_ports(name, text, listeners)
    return listeners


def _parse_endpoint(name: str, text: str, element: str, protocols: Mapping[str, str]) -> Listener:
    def refused(reason: str) -> ConflictingConfig:
        return ConflictingConfig(name, text, f"Error creating broker listeners from '{text}': {reason}")

    match = _ENDPOINT.fullmatch(element)
    if match is None:
        raise refused(f"Unable to parse {element} to a broker endpoint")
    listener, host, port = match[1].upper(), match[2], parse_integer(match[3])
    if port is None:
        raise refused(f'For input string: "{match[3]}"')
    protocol = protocols.get(listener)
    if protocol is None:
        raise refused(f"No security protocol defined for listener {listener}")
    return Listener(listener, protocol, host or None, port)


def _check_ports(name: str, text: str, listeners: Sequence[Listener]) -> None:
    """Two listeners may share a port only when one has an IPv4 address and the other an IPv6 one."""
    for port, count in Counter(listener.port for listener in listeners if listener.port != 0).items():
        if count == 1:
            continue
        versions = [_ip_version(listener.host) for listener in listeners if listener.port == port]
        addresses = [version for version in versions if version is not None]
        if versions.count(None) > 1:
            raise _refused(name, text, f"Each listener must have a different port, listeners: {text}")
        if len(addresses) == 2:
            reason = (
                "If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, "
                f"listeners: {text}, port: {port}"
            )
            if addresses[0] == addresses[1]:
                raise _refused(name, text, reason)
            if None in versions:
                raise ConflictingConfig(name, text, reason)
        else:
            reason = (
                "Each listener must have a different port unless exactly one listener has an IPv4 address "
                f"and the other IPv6 address, listeners: {text}, port: {port}"
            )
            raise ConflictingConfig(name, text, reason)


def _refused(name: str, text: str, reason: str) -> ConflictingConfig:
    return ConflictingConfig(name, text, f"requirement failed: {reason}")


def _ip_version(host: str | None) -> int | None:
    try:
        return ipaddress.ip_address(host or "").version
    except ValueError:
        return None
