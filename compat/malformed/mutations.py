"""What can be wrong with a frame. Each takes its pieces, and gives the bytes to send, size included."""

from collections.abc import Callable
from random import Random
from struct import pack
from typing import Final

from compat.malformed.layout import LENGTHS, Kind, Piece, uvarint

Mutation = Callable[[list[Piece], Random], bytes]

_MAX_INT: Final = 2**31 - 1
_HEADER_PIECES: Final = 5


def _framed(payload: bytes) -> bytes:
    return pack(">i", len(payload)) + payload


def _joined(pieces: list[Piece]) -> bytes:
    return b"".join(piece.raw for piece in pieces)


def unchanged(pieces: list[Piece], random: Random) -> bytes:
    """Valid frames belong to it: what follows a bad one must still be right."""
    return _framed(_joined(pieces))


def truncated(pieces: list[Piece], random: Random) -> bytes:
    """The end is missing, and the frame's size knows it."""
    payload = _joined(pieces)
    return _framed(payload[: random.randrange(len(payload))])


def extended(pieces: list[Piece], random: Random) -> bytes:
    """More bytes than the request has."""
    return _framed(_joined(pieces) + random.randbytes(random.randrange(1, 30)))


def flipped(pieces: list[Piece], random: Random) -> bytes:
    """Some bits turned over, anywhere."""
    payload = bytearray(_joined(pieces))
    for _ in range(random.choice((1, 1, 2, 4))):
        payload[random.randrange(len(payload))] ^= 1 << random.randrange(8)
    return _framed(bytes(payload))


def resized(pieces: list[Piece], random: Random) -> bytes:
    """A length or a count that is not true: null, negative, off by one, huge."""
    return _replaced(pieces, random, lambda piece: piece.kind in LENGTHS, _other_size)


def overlong(pieces: list[Piece], random: Random) -> bytes:
    """A varint in more bytes than it needs: up to five are allowed, six never are."""
    compact = (Kind.COMPACT_LENGTH, Kind.COMPACT_COUNT, Kind.TAGS)
    return _replaced(pieces, random, lambda piece: piece.kind in compact, _overlong_varint)


def renumbered(pieces: list[Piece], random: Random) -> bytes:
    """A number at the edge of what its type can hold, or beside what is allowed."""
    return _replaced(pieces, random, lambda piece: piece.kind in (Kind.NUMBER, Kind.FLAG), _other_number)


def nulled(pieces: list[Piece], random: Random) -> bytes:
    """Null, nullable or not, and nothing behind it."""
    candidates = [at for at, piece in enumerate(pieces) if piece.kind in LENGTHS]
    if not candidates:
        return flipped(pieces, random)
    at = random.choice(candidates)
    found = list(pieces)
    null = (
        b"\0"
        if pieces[at].kind in (Kind.COMPACT_LENGTH, Kind.COMPACT_COUNT)
        else b"\xff" * len(pieces[at].raw)
    )
    found[at] = Piece(pieces[at].kind, pieces[at].field, null)
    if at + 1 < len(found) and found[at + 1].kind is Kind.CONTENT:
        del found[at + 1]
    return _framed(_joined(found))


def respelled(pieces: list[Piece], random: Random) -> bytes:
    """Text that is no UTF-8, or not what a name may be; its length is right."""
    candidates = [at for at in range(len(pieces) - 1) if pieces[at + 1].kind is Kind.CONTENT]
    if not candidates:
        return flipped(pieces, random)
    at = random.choice(candidates)
    size, content = pieces[at], pieces[at + 1]
    other = random.choice(
        (
            b"",
            b"\0",
            b"..",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            "漢字".encode(),
            b"a" * 249,
            b"a" * 250,
            b"x" * 20_000,
        )
    )
    if size.kind is Kind.COMPACT_LENGTH:
        raw = uvarint(len(other) + 1)
    else:
        raw = len(other).to_bytes(len(size.raw), "big")
    found = list(pieces)
    found[at : at + 2] = [Piece(size.kind, size.field, raw), Piece(content.kind, content.field, other)]
    return _framed(_joined(found))


def tagged(pieces: list[Piece], random: Random) -> bytes:
    """Tagged fields that are unknown, doubled, out of order, too long, or not what the tag holds."""
    garbage = random.choice(
        (
            _tags((77, b"unknown")),
            _tags((77, b"a"), (77, b"b")),
            _tags((9, b"a"), (5, b"b")),
            _tags((0, random.randbytes(random.randrange(20)))),
            _tags((1, random.randbytes(random.randrange(20)))),
            b"\x01\x05\xff\xff\xff\xff\x07",
            b"\x01\x05\x7f",
            b"\xff\xff\xff\xff\x07",
            b"\xff\xff\xff\xff\x0f",
            b"\x01\xff\xff\xff\xff\x0f\x00",
            _tags(*((tag, b"") for tag in range(100, 400))),
        )
    )
    return _replaced(pieces, random, lambda piece: piece.kind is Kind.TAGS, lambda piece, random: garbage)


def misheaded(pieces: list[Piece], random: Random) -> bytes:
    """The header of another version: with tags where there are none, without where they are."""
    head, body = list(pieces[:_HEADER_PIECES]), list(pieces[_HEADER_PIECES:])
    if body and body[0].kind is Kind.TAGS and body[0].field == "header":
        return _framed(_joined(head + body[1:]))
    return _framed(_joined(head) + b"\0" + _joined(body))


def redirected(pieces: list[Piece], random: Random) -> bytes:
    """Another API's key, or another version, over the same body."""
    found = list(pieces)
    if random.random() < 0.5:
        key = pack(">h", random.choice((-1, 0, 1, 2, 3, 9, 10, 18, 19, 23, 32, 42, 60, 999, 32767, -32768)))
        found[0] = Piece(Kind.NUMBER, "request_api_key", key)
    else:
        version = int.from_bytes(pieces[1].raw, "big")
        other = random.choice((-1, version - 1, version + 1, version + 2, 99, 32767, -32768))
        found[1] = Piece(Kind.NUMBER, "request_api_version", pack(">h", max(other, -32768)))
    return _framed(_joined(found))


def shifted(pieces: list[Piece], random: Random) -> bytes:
    """A piece dropped, doubled or moved: everything behind it is read as something else."""
    found = list(pieces)
    at = random.randrange(min(_HEADER_PIECES, len(found) - 1), len(found))
    piece = found.pop(at)
    match random.randrange(3):
        case 0:
            found[at:at] = [piece, piece]
        case 1:
            found.insert(random.randrange(at, len(found) + 1), piece)
    return _framed(_joined(found))


def missized(pieces: list[Piece], random: Random) -> bytes:
    """The frame's own size is impossible."""
    size = random.choice((-1, -(2**31), _MAX_INT, 100 * 1024 * 1024 + 1, 0, 1, 7))
    payload = _joined(pieces)
    return pack(">i", size) + (payload if size < 0 or size > len(payload) else payload[:size])


def random_bytes(pieces: list[Piece], random: Random) -> bytes:
    """No request at all."""
    return _framed(random.randbytes(random.randrange(60)))


MUTATIONS: Final[tuple[Mutation, ...]] = (
    unchanged,
    truncated,
    extended,
    flipped,
    flipped,
    resized,
    resized,
    overlong,
    renumbered,
    renumbered,
    renumbered,
    nulled,
    respelled,
    tagged,
    misheaded,
    redirected,
    shifted,
    missized,
    random_bytes,
)
"""As often as they stand here."""


def _replaced(
    pieces: list[Piece],
    random: Random,
    wanted: Callable[[Piece], bool],
    change: Callable[[Piece, Random], bytes],
) -> bytes:
    candidates = [at for at, piece in enumerate(pieces) if wanted(piece)]
    if not candidates:
        return flipped(pieces, random)
    at = random.choice(candidates)
    found = list(pieces)
    found[at] = Piece(pieces[at].kind, pieces[at].field, change(pieces[at], random))
    return _framed(_joined(found))


def _other_size(piece: Piece, random: Random) -> bytes:
    if piece.kind in (Kind.LENGTH, Kind.COUNT):
        width = len(piece.raw)
        true = int.from_bytes(piece.raw, "big", signed=True)
        largest = 2 ** (8 * width - 1) - 1
        other = random.choice((-1, -2, 0, true - 1, true + 1, true + 2, largest, -largest - 1, largest // 2))
        raw: bytes = max(other, -largest - 1).to_bytes(width, "big", signed=True)
        return raw
    true = piece.raw[0]
    return uvarint(
        random.choice((0, 1, true + 1, true + 2, max(true - 1, 0), 32768, 32769, 1 << 20, _MAX_INT, -1))
    )


def _overlong_varint(piece: Piece, random: Random) -> bytes:
    zeros = random.choice((1, 2, 3, 4, 5, 6))
    return bytes([piece.raw[0] | 0x80, *[0x80] * (zeros - 1), 0]) + piece.raw[1:]


def _other_number(piece: Piece, random: Random) -> bytes:
    width = len(piece.raw)
    largest = 2 ** (8 * width - 1) - 1
    value = int.from_bytes(piece.raw, "big", signed=True)
    others = (-1, 0, 1, 2, -2, value + 1, value - 1, largest, -largest - 1, random.randint(-largest, largest))
    other = min(max(random.choice(others), -largest - 1), largest)
    raw: bytes = other.to_bytes(width, "big", signed=True)
    return raw


def _tags(*fields: tuple[int, bytes]) -> bytes:
    found = uvarint(len(fields))
    for tag, raw in fields:
        found += uvarint(tag) + uvarint(len(raw)) + raw
    return found
