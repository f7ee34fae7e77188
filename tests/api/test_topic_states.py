"""Requests of the controller in their earlier versions."""

from odradek.api.topic_states import group_by_topic
from odradek.protocol.generated.update_metadata_request import (
    UpdateMetadataPartitionState,
    UpdateMetadataTopicState,
)


def test_partitions_are_found_under_their_topics():
    b1, a0, b0 = (
        UpdateMetadataPartitionState(topic_name=topic, partition_index=index)
        for topic, index in (("b", 1), ("a", 0), ("b", 0))
    )
    topics = group_by_topic([b1, a0, b0], UpdateMetadataTopicState)
    assert [(topic.topic_name, topic.partition_states) for topic in topics] == [("b", [b1, b0]), ("a", [a0])]
