"""Bytes that are not a message cost an exception, never more."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odradek.errors import MalformedMessage
from odradek.protocol.message import Message
from tests.protocol.examples import MESSAGES, RandomChoices, example, generated_class

MOST_BYTES = 200_000


def decode(cls: type[Message], version: int, raw: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        cls.decode(version, memoryview(raw))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_cut_anywhere_is_malformed(name: str):
    message = MESSAGES[name]
    for version in message.versions:
        value = example(message, version, RandomChoices(f"{name} {version}"))
        raw = value.to_bytes(version)
        cuts = range(len(raw)) if len(raw) < 60 else [*range(30), *range(30, len(raw), len(raw) // 30)]
        for cut in cuts:
            with pytest.raises(MalformedMessage):
                type(value).decode(version, memoryview(raw[:cut]))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_mutated_message_decodes_or_is_malformed(name: str):
    message = MESSAGES[name]
    cls = generated_class(message)
    for version in message.versions:
        choices = RandomChoices(f"mutate {name} {version}")
        raw = bytearray(example(message, version, choices).to_bytes(version))
        for _ in range(20):
            mutated = bytearray(raw)
            for _ in range(choices.integer(1, 3)):
                if mutated:
                    mutated[choices.integer(0, len(mutated) - 1)] = choices.integer(0, 255)
            decode(cls, version, bytes(mutated))


@given(st.sampled_from(sorted(MESSAGES)), st.integers(0, 20), st.binary(max_size=80))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_decode_or_are_malformed(name: str, offset: int, raw: bytes):
    message = MESSAGES[name]
    version = message.versions.lowest + offset % (message.versions.highest - message.versions.lowest + 1)
    decode(generated_class(message), version, raw)


def test_announced_sizes_are_not_believed():
    """Counts and lengths far beyond the frame must fail before anything of their size is allocated."""
    huge = [
        b"\x7f\xff\xff\xff" * 16,
        b"\x00\x00\x00\x01\x7f\xff\xff\xff" * 8,
        b"\x00\x00\x7f\xff\xff\xff" * 10,
        b"\xff\xff\xff\xff\x07" * 13,
        b"\x01\x02\xff\xff\xff\xff\x07" * 9,
        b"\x00" * 3 + b"\xff\xff\xff\xff\x07" * 12,
        b"\x80\x80\x80\x80\x08" * 12,
    ]
    classes = [(generated_class(message), message.versions) for message in MESSAGES.values()]
    tracemalloc.start()
    try:
        for cls, versions in classes:
            for version in versions:
                for raw in huge:
                    tracemalloc.reset_peak()
                    before, _ = tracemalloc.get_traced_memory()
                    decode(cls, version, raw)
                    _, peak = tracemalloc.get_traced_memory()
                    assert peak - before < MOST_BYTES, f"{cls.__name__} {version} {raw!r}"
    finally:
        tracemalloc.stop()
