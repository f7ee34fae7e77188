"""Topic ids and their written form."""

from __future__ import annotations

from uuid import UUID

import pytest

from odradek.metadata.topic_id import NO_TOPIC_ID, format_topic_id, parse_topic_id, random_topic_id


def test_the_zero_id_is_written_as_kafka_writes_it():
    assert format_topic_id(NO_TOPIC_ID) == "AAAAAAAAAAAAAAAAAAAAAA"


def test_an_id_survives_its_written_form():
    topic_id = parse_topic_id("A6d4TlLOTfqs-8And5x6LQ")
    assert topic_id.bytes.hex() == "03a7784e52ce4dfaacfbc027779c7a2d"
    assert format_topic_id(topic_id) == "A6d4TlLOTfqs-8And5x6LQ"


@pytest.mark.parametrize("text", ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"])
def test_other_text_is_no_id(text):
    with pytest.raises(ValueError, match="not a topic id"):
        parse_topic_id(text)


def test_a_random_id_never_begins_with_a_dash():
    draws = iter([b"\xf8" + bytes(15), b"\x01" * 16])
    topic_id = random_topic_id(lambda size: next(draws))
    assert topic_id == UUID(bytes=b"\x01" * 16, version=4)
