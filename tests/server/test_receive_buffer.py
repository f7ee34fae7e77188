"""Frames come out as they went in, however the bytes are cut; nothing is allocated for a bad size."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odradek.errors import MalformedMessage
from odradek.server.receive_buffer import INITIAL_BYTES, TRUSTED_BYTES, ReceiveBuffer


def feed(buffer: ReceiveBuffer, data: bytes) -> list[bytes]:
    """Receive all of `data`, as much at a time as there is room for; what frames came out."""
    frames = []
    while data:
        room = buffer.room()
        taken = min(len(room), len(data))
        assert taken > 0
        room[:taken] = data[:taken]
        buffer.received(taken)
        data = data[taken:]
        while (frame := buffer.next_frame()) is not None:
            frames.append(bytes(frame))
    return frames


def framed(payload: bytes) -> bytes:
    return pack(">i", len(payload)) + payload


payloads = st.lists(
    st.one_of(st.binary(max_size=64), st.integers(0, 3 * INITIAL_BYTES).map(bytes)),
    max_size=12,
)


@given(payloads, st.lists(st.integers(1, 2 * INITIAL_BYTES), min_size=1, max_size=8), st.booleans())
def test_frames_come_out_as_they_went_in(payloads: list[bytes], cuts: list[int], shrinks: bool) -> None:
    buffer = ReceiveBuffer(1 << 20)
    stream = b"".join(map(framed, payloads))
    frames = []
    for cut in [*cuts, len(stream)]:
        frames += feed(buffer, stream[:cut])
        stream = stream[cut:]
        if shrinks:
            buffer.shrink()
    assert frames == payloads


def test_many_small_frames_are_received_at_once() -> None:
    buffer = ReceiveBuffer(1 << 20)
    stream = framed(b"x" * 28) * 100
    assert len(buffer.room()) >= len(stream)
    assert feed(buffer, stream) == [b"x" * 28] * 100


def test_a_big_frame_is_received_alone_and_its_memory_reused() -> None:
    buffer = ReceiveBuffer(1 << 20)
    big = framed(bytes(500_000))
    assert feed(buffer, big) == [big[4:]]
    feed(buffer, big[:4])
    room = buffer.room()
    assert len(room) == 500_000
    buffer.received(500_000)
    assert bytes(buffer.next_frame() or b"") == big[4:]
    feed(buffer, big[:4])
    assert buffer.room().obj is room.obj


def test_shrink_gives_the_memory_back_once_the_buffer_is_empty() -> None:
    buffer = ReceiveBuffer(1 << 20)
    feed(buffer, framed(bytes(500_000)) + b"\0")
    buffer.shrink()
    assert len(buffer.room()) > INITIAL_BYTES, "a byte is waiting"
    assert feed(buffer, b"\0\0\0") == [b""]
    large = buffer.room().obj
    buffer.shrink()
    assert len(buffer.room()) == INITIAL_BYTES
    assert buffer.room().obj is not large


def test_the_size_of_the_frame_on_its_way_is_known_after_four_bytes() -> None:
    buffer = ReceiveBuffer(1 << 20)
    assert buffer.frame_bytes == 0
    feed(buffer, pack(">i", 70_000))
    assert buffer.frame_bytes == 70_000


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (-1, "Invalid receive (size = -1)"),
        (-(2**31), "Invalid receive (size = -2147483648)"),
        (1001, "Invalid receive (size = 1001 larger than 1000)"),
        (1195725856, "Invalid receive (size = 1195725856 larger than 1000)"),  # "GET "
    ],
)
def test_a_size_out_of_range_is_refused_in_kafkas_words(size: int, words: str) -> None:
    buffer = ReceiveBuffer(1000)
    with pytest.raises(MalformedMessage) as refused:
        feed(buffer, pack(">i", size))
    assert str(refused.value) == words
    assert len(buffer.room()) <= INITIAL_BYTES


def test_the_largest_size_allowed_is_allowed() -> None:
    assert feed(ReceiveBuffer(1000), framed(bytes(1000))) == [bytes(1000)]


def test_memory_comes_with_bytes_and_not_with_a_promise_of_them() -> None:
    buffer = ReceiveBuffer(100 << 20)
    announced = pack(">i", 100 << 20)
    buffer.room()[:4] = announced
    buffer.received(4)
    assert buffer.next_frame() is None
    assert len(buffer.room()) <= TRUSTED_BYTES
    received = 4
    while received < 1 << 20:
        room = len(buffer.room())
        assert room <= max(TRUSTED_BYTES, 4 * received)
        buffer.received(room)
        received += room


def test_a_frame_larger_than_what_is_trusted_at_once_arrives_whole() -> None:
    payload = bytes(range(256)) * 8192
    assert feed(ReceiveBuffer(4 << 20), framed(b"first") + framed(payload) + framed(b"last")) == [
        b"first",
        payload,
        b"last",
    ]
