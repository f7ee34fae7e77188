"""DescribeLogDirs: what a broker itself has, leader or follower."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_log_dirs_request import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)


@scenario(ApiKey.DESCRIBE_LOG_DIRS)
def of_leaders_and_followers(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1], [1, 2])
    k.produce(topic, b"a", b"b")
    asked = [DescribableLogDirTopic(topic=topic.name, partitions=[0, 1])]
    for broker in BROKERS:
        k.send(broker, DescribeLogDirsRequest(topics=asked), unordered="results.topics.partitions")
