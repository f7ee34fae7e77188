"""Names of topics; the words are those of Kafka 3.9.2's `Topic.validate`."""

from __future__ import annotations

import pytest

from odradek.errors import KafkaError
from odradek.metadata import topic_names
from odradek.protocol.error_codes import ErrorCode


@pytest.mark.parametrize("name", ["a", "A-Z_0.9", "x" * 249, "__consumer_offsets", "...", "-"])
def test_legal_names(name):
    assert topic_names.reason_invalid(name) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        ("x" * 250, f"the length of '{'x' * 250}' is longer than the max allowed length 249"),
        ("a b", "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("é", "'é' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("a\n", "'a\n' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    ],
)
def test_illegal_names(name, reason):
    with pytest.raises(KafkaError) as refused:
        topic_names.validate(name)
    assert refused.value.code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert refused.value.message == f"Topic name is invalid: {reason}"


def test_dots_and_underscores_collide():
    assert topic_names.colliding("a.b", ["a_b", "a-b", "ab", "a.b"]) == ["a_b", "a.b"]
    assert topic_names.colliding("ab", ["ab"]) == []


def test_internal_topics():
    assert topic_names.is_internal("__consumer_offsets")
    assert not topic_names.is_internal("__cluster_metadata")
