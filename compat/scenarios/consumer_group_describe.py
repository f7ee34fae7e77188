"""ConsumerGroupDescribe: Kafka 3.9 advertises it in ZooKeeper mode too, where nobody can use it."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.consumer_group_describe_request import ConsumerGroupDescribeRequest


@scenario(ApiKey.CONSUMER_GROUP_DESCRIBE)
def a_group_that_nobody_knows(k: Session) -> None:
    k.send(ConsumerGroupDescribeRequest(group_ids=[k.name("none")]))
