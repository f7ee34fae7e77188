"""DescribeProducers: any replica may be asked."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_producers_request import DescribeProducersRequest, TopicRequest


@scenario(ApiKey.DESCRIBE_PRODUCERS)
def at_a_follower(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in BROKERS:
        k.send(broker, DescribeProducersRequest(topics=[TopicRequest(topic.name, [0])]))
