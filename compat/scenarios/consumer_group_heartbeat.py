"""ConsumerGroupHeartbeat: Kafka 3.9 advertises it in ZooKeeper mode too, where nobody can use it."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.consumer_group_heartbeat_request import ConsumerGroupHeartbeatRequest


@scenario(ApiKey.CONSUMER_GROUP_HEARTBEAT)
def a_first_member(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    request = ConsumerGroupHeartbeatRequest(
        group_id=k.name("group"),
        member_id="one",
        member_epoch=0,
        rebalance_timeout_ms=30_000,
        subscribed_topic_names=[topic.name],
        topic_partitions=[],
    )
    k.send(request)
