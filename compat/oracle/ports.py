"""Ports and readiness: free loopback ports, and asking a broker whether it serves.

The probe speaks two requests by hand (ApiVersions 0, Metadata 1): it depends on nothing it might judge.

    request    size int32 | key int16 | version int16 | correlation int32 | client id nullable string | body
    metadata 1 request   topics int32 (0: none)
    metadata 1 response  correlation int32 | brokers int32 × (node int32, host string, port int32,
                         rack string) | controller int32 | …
"""

import random
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

_API_VERSIONS: Final = 18
_METADATA: Final = 3
_POLL_S: Final = 0.05


_claims: list[socket.socket] = []
"""UDP sockets on the numbers that were given out: what is bound to them tells other processes of ours."""


def free_port() -> int:
    """A loopback port nobody listens on, below the range that outgoing connections take theirs from.

    It is this process's until that ends: a broker that is down finds its port free when it comes back.
    Someone who does not ask here may still take it: callers retry.
    """
    while True:
        port = random.randrange(12000, 32000)
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            with socket.socket() as candidate:
                candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                candidate.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def wait_until(ready: Callable[[], bool], *, timeout_s: float) -> bool:
    """Poll ``ready`` until it is true; ``False`` when ``timeout_s`` passed first."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def serves(bootstrap: str, *, timeout_s: float = 5) -> bool:
    """Whether the broker at ``bootstrap`` answers ApiVersions and knows a live broker and a controller."""
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=timeout_s) as connection:
            versions = _exchange(connection, _API_VERSIONS, 0, b"")
            if struct.unpack_from(">h", versions)[0] != 0:
                return False
            return _has_controller(_exchange(connection, _METADATA, 1, struct.pack(">i", 0)))
    except (OSError, struct.error):
        return False


def _exchange(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    header = struct.pack(">hhih", key, version, 1, -1)
    connection.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
    (size,) = struct.unpack(">i", _read_exactly(connection, 4))
    return _read_exactly(connection, size)[4:]


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError("the broker closed the connection")
        received += chunk
    return bytes(received)


def _has_controller(metadata: bytes) -> bool:
    (brokers,) = struct.unpack_from(">i", metadata)
    at = 4
    for _ in range(brokers):
        (host_size,) = struct.unpack_from(">h", metadata, at + 4)
        at += 4 + 2 + host_size + 4
        (rack_size,) = struct.unpack_from(">h", metadata, at)
        at += 2 + max(rack_size, 0)
    (controller,) = struct.unpack_from(">i", metadata, at)
    return bool(brokers > 0 and controller >= 0)
