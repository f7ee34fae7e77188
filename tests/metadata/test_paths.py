"""Paths, against the tree of a real Kafka 3.9.2."""

from __future__ import annotations

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
