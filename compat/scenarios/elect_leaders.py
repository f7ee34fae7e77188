"""ElectLeaders: the preferred replica, or anybody, for partitions whose leader is the only one there is."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.elect_leaders_request import ElectLeadersRequest, TopicPartitions

PREFERRED, UNCLEAN = 0, 1


def request(
    topics: dict[str, list[int]] | None, *, election_type: int = PREFERRED, timeout_ms: int = 30_000
) -> ElectLeadersRequest:
    rows = None
    if topics is not None:
        rows = [TopicPartitions(topic=name, partitions=numbers) for name, numbers in topics.items()]
    return ElectLeadersRequest(election_type=election_type, topic_partitions=rows, timeout_ms=timeout_ms)


@scenario(ApiKey.ELECT_LEADERS)
def not_needed(k: Session) -> None:
    topic = k.create_topic(partitions=3)
    k.send(request({topic.name: [0]}))
    k.send(request({topic.name: [0, 1, 2]}))
    k.send(request({topic.name: [0, 0]}))
    k.send(request({topic.name: [0]}, timeout_ms=0))


@scenario(ApiKey.ELECT_LEADERS, since=1)
def not_needed_unclean(k: Session) -> None:
    topic = k.create_topic(partitions=2)
    k.send(request({topic.name: [1]}, election_type=UNCLEAN))
    k.send(request({topic.name: [0, 1]}, election_type=UNCLEAN))


@scenario(ApiKey.ELECT_LEADERS)
def unknown(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({k.name("none"): [0]}))
    k.send(request({topic.name: [7]}))
    k.send(request({topic.name: [-1]}))
    k.send(request({"": [0]}))
    k.send(request({"a b": [0]}))


@scenario(ApiKey.ELECT_LEADERS)
def several_topics(k: Session) -> None:
    one, two = k.create_topic("b"), k.create_topic("a", partitions=5)
    k.send(request({one.name: [0, 1], two.name: [4, 3, 2, 1, 0], k.name("none"): [0]}))


@scenario(ApiKey.ELECT_LEADERS)
def everywhere(k: Session) -> None:
    k.create_topic()
    k.send(
        request(None),
        until=lambda answer: not any(each.partition_result for each in answer.replica_election_results),
        unordered="replica_election_results",
    )


@scenario(ApiKey.ELECT_LEADERS)
def nowhere(k: Session) -> None:
    topic = k.create_topic()
    k.send(request({}))
    k.send(request({topic.name: []}))


@scenario(ApiKey.ELECT_LEADERS, since=1)
def unknown_election_type(k: Session) -> None:
    topic = k.create_topic()
    for election_type in (2, -1):
        k.send(request({topic.name: [0]}, election_type=election_type))
