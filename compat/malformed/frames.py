"""The frames of one seed: every API and version in turn, each mutated in a way that chance decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from struct import unpack_from
from typing import Any, Final

from compat.malformed.layout import REQUESTS
from compat.malformed.mutations import MUTATIONS
from compat.malformed.requests import request
from odradek.api.between_brokers import accepted_of_brokers
from odradek.api.registry import accepted
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.headers import decode_request_header
from odradek.protocol.messages import request_class
from odradek.protocol.releases import api_versions

_MOST_PARTITIONS: Final = 100
_LEAST_TIMEOUT_MS: Final = 100
_MAX_FRAME_BYTES: Final = 100 * 1024 * 1024
_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes to send, sizes included: one frame, or more where a size lies."""

    number: int
    api: ApiKey
    version: int
    mutation: str
    raw: bytes

    def __str__(self) -> str:
        return f"frame {self.number}: {self.api.name} {self.version} {self.mutation}"

    @property
    def is_readable(self) -> bool:
        """Whether every frame within is a request, even if not a sensible one."""
        return all(_decoded(frame) is not None for frame in split(self.raw))

    def requests(self) -> list[tuple[int, int, int]]:
        """API key, version and correlation id of each frame within that a broker would read."""
        return [unpack_from(">hhi", frame.ljust(8, b"\0")) for frame in split(self.raw)]


def frames(seed: int, count: int, release: str) -> Iterator[Frame]:
    """``count`` frames for brokers of ``release`` (3.9, 4.3); the same for the same seed."""
    random = Random(f"{seed} {release}")
    pairs = [(api, version) for api, versions in accepted(release).items() for version in _all(versions)]
    order: list[tuple[ApiKey, int]] = []
    for number in range(1, count + 1):
        if not order:
            order = random.sample(pairs, len(pairs))
        api, version = order.pop()
        yield _frame(number, api, version, release, random)


def split(raw: bytes) -> list[bytes]:
    """The frames in some bytes, up to the first size that no broker takes."""
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(raw):
        (size,) = unpack_from(">i", raw, at)
        if not 0 <= size <= _MAX_FRAME_BYTES:
            break
        found.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _all(versions: Any) -> range:
    return range(versions.first, versions.last + 1)


def _frame(number: int, api: ApiKey, version: int, release: str, random: Random) -> Frame:
    for _ in range(_ATTEMPTS):
        mutation = random.choice(MUTATIONS)
        raw = mutation(request(api, version, number, random), random)
        if _ends_with_its_frames(raw) and all(_may_be_sent(frame, release) for frame in split(raw)):
            return Frame(number, api, version, mutation.__name__, raw)
    raise AssertionError(f"no mutation of {api.name} {version} can be sent")


def _ends_with_its_frames(raw: bytes) -> bool:
    """Whether what is sent next is read as a frame of its own, unless the connection is closed before."""
    at = 0
    while at + 4 <= len(raw):
        (size,) = unpack_from(">i", raw, at)
        if not 0 <= size <= _MAX_FRAME_BYTES:
            return True
        at += 4 + size
    return at == len(raw)


def _may_be_sent(payload: bytes, release: str) -> bool:
    """False for APIs that Odradek does not serve yet, and for what would bring the judge itself down.

    So it is for what brokers send each other where the release has no such thing: of brokers of an older one
    Odradek takes it, whatever it is to its clients.
    """
    if len(payload) < 4:
        return True
    key = int.from_bytes(payload[:2], "big", signed=True)
    if key in api_versions(release) and key not in accepted(release):
        return False
    if key not in api_versions(release) and key in accepted_of_brokers(release):
        return False
    request = _decoded(payload)
    return request is None or _is_bearable(ApiKey(key), request)


def _decoded(payload: bytes) -> Any | None:
    """The request in a frame; ``None`` if there is none."""
    frame = memoryview(payload)
    try:
        head, at = decode_request_header(frame)
        if head.api_version not in REQUESTS[head.api_key].versions:
            return None
        return request_class(head.api_key).decode(head.api_version, frame, at)
    except (MalformedMessage, KeyError):
        return None


def _is_bearable(api: ApiKey, request: Any) -> bool:
    """Kafka 3.9 allocates whatever number of partitions it is asked for, and so ends (the difference to a
    negative one overflows); configs of the broker would change what the frames behind see; whether something
    takes a millisecond depends on the machine."""
    if 0 < getattr(request, "timeout_ms", 0) < _LEAST_TIMEOUT_MS:
        return False
    match api:
        case ApiKey.CREATE_TOPICS:
            return all(topic.num_partitions <= _MOST_PARTITIONS for topic in request.topics)
        case ApiKey.CREATE_PARTITIONS:
            return all(abs(topic.count) <= _MOST_PARTITIONS for topic in request.topics)
        case ApiKey.ALTER_CONFIGS | ApiKey.INCREMENTAL_ALTER_CONFIGS:
            return all(resource.resource_type == 2 for resource in request.resources)
        case ApiKey.INIT_PRODUCER_ID | ApiKey.PRODUCE:
            return getattr(request, "transactional_id", None) is None
        case ApiKey.FIND_COORDINATOR:
            return bool(request.key_type == 0)
        case _:
            return True
