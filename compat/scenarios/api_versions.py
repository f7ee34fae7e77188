"""ApiVersions: what is offered, who asks, and versions that nobody has."""

import struct

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.api_versions_request import ApiVersionsRequest

SOFTWARE = ApiVersionsRequest(client_software_name="judge", client_software_version="1.0")


def header(key: int, version: int) -> bytes:
    return struct.pack(">hhih", key, version, 7, 5) + b"judge"


@scenario(ApiKey.API_VERSIONS)
def ranges(k: Session) -> None:
    k.send(SOFTWARE)


@scenario(ApiKey.API_VERSIONS, since=3)
def invalid_software_names(k: Session) -> None:
    for name, version in (("", "1"), ("judge", ""), ("-judge", "1"), ("a b", "1"), ("a-b.c", "1.0-x")):
        k.send(ApiVersionsRequest(client_software_name=name, client_software_version=version))


@scenario(ApiKey.API_VERSIONS, newest_only=True)
def versions_that_nobody_has(k: Session) -> None:
    for version in (5, 99, 32767, -1):
        frame = k.send_raw(header(18, version) + b"\0\0", f"ApiVersions {version}")
        if frame is not None:
            k.note(f"the fallback's error at {version}", {"error_code": int.from_bytes(frame[4:6], "big")})


@scenario(ApiKey.API_VERSIONS)
def twice_on_a_connection(k: Session) -> None:
    k.send(SOFTWARE)
    k.send(SOFTWARE)


@scenario(ApiKey.API_VERSIONS, newest_only=True)
def versions_outside_of_every_range(k: Session) -> None:
    for key in range(93):
        if key != ApiKey.API_VERSIONS:
            k.send_raw(header(key, 99), f"{ApiKey(key).name} 99")
            k.send_raw(header(key, -1), f"{ApiKey(key).name} -1")


@scenario(ApiKey.API_VERSIONS, newest_only=True)
def keys_that_nobody_has(k: Session) -> None:
    for key in (-1, 93, 999, 32767):
        k.send_raw(header(key, 0), f"key {key}")


@scenario(ApiKey.API_VERSIONS, newest_only=True)
def frames_that_cannot_be_read(k: Session) -> None:
    k.send_raw(b"", "an empty frame")
    k.send_raw(b"\0", "one byte")
    k.send_raw(header(18, 0)[:7], "half a header")
    k.send_raw(header(18, 3), "a flexible header without its tags")
    k.send_raw(header(18, 3) + b"\0", "a header without its body")
    k.send_raw(header(3, 0) + struct.pack(">i", 1 << 30), "a count that cannot be")
    k.send_raw(header(3, 0) + struct.pack(">ih", 1, 99), "a string that ends too early")
    k.send_raw(header(3, 0) + struct.pack(">i", -2), "a negative count")
    heartbeat = struct.pack(">h1sih1s", 1, b"g", 5, 1, b"m")
    k.send_raw(header(12, 0) + heartbeat + b"surplus", "bytes behind the body")
