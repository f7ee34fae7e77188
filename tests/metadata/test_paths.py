"""Paths, against the tree of a real Kafka 3.9.2."""

from __future__ import annotations

import pytest

from odradek.metadata import paths
from odradek.metadata.topic_partition import TopicPartition

TREE_OF_A_NEW_CLUSTER = """
/admin /admin/delete_topics /brokers /brokers/ids /brokers/seqid /brokers/topics /config /config/brokers
/config/changes /config/clients /config/ips /config/topics /config/users /consumers
/isr_change_notification /latest_producer_id_block /log_dir_event_notification
"""


def test_the_persistent_roots_are_those_of_kafka():
    created = {ancestor for path in paths.PERSISTENT for ancestor in paths.with_parents(path)}
    assert sorted(created) == TREE_OF_A_NEW_CLUSTER.split()


def test_paths_of_a_topic():
    topic_partition = TopicPartition("t", 7)
    assert paths.topic("t") == "/brokers/topics/t"
    assert paths.partition_state(topic_partition) == "/brokers/topics/t/partitions/7/state"
    assert paths.with_parents(paths.partition(topic_partition)) == (
        "/brokers",
        "/brokers/topics",
        "/brokers/topics/t",
        "/brokers/topics/t/partitions",
        "/brokers/topics/t/partitions/7",
    )
    assert paths.delete_topic("t") == "/admin/delete_topics/t"
    assert paths.config("topics", "t") == "/config/topics/t"
    assert paths.broker_id(3) == "/brokers/ids/3"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x\0", "null character not allowed @4"),
        ("\x1f", "invalid character @3"),
        ("x\x7f", "invalid character @4"),
        ("\ue000", "invalid character @3"),
        ("\ufffd", "invalid character @3"),
        ("a🙂", "invalid character @4"),
        ("🙂", "invalid character @3"),
        ("a//b", "empty node name specified @5"),
        ("/a", "empty node name specified @3"),
        (".", "relative paths not allowed @3"),
        ("..", "relative paths not allowed @4"),
        ("a/./b", "relative paths not allowed @5"),
        ("a/../b", "relative paths not allowed @6"),
    ],
)
def test_paths_that_zookeeper_refuses(name: str, reason: str):
    path = f"/t/{name}"
    assert paths.reason_impossible(path) == f'Invalid path string "{path}" caused by {reason}'


@pytest.mark.parametrize("name", ["a", "...", "a..b", ".a", "a.", "a/b", "ä €", "x y", "\ud7ff", "\uf900"])
def test_paths_that_zookeeper_takes(name: str):
    assert paths.reason_impossible(f"/t/{name}") is None


def test_a_path_that_ends_with_a_slash():
    assert paths.reason_impossible("/t/") == "Path must not end with / character"
