"""ElectLeaders: preferred replicas that are there or not, and unclean elections of who is left."""

from compat.cluster.session import BROKERS, ClusterSession, election, isr, leaders, metadata, reassignment
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey


@scenario(ApiKey.ELECT_LEADERS)
def the_preferred_replica(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1, 2], [0, 1, 2])
    for partition in (0, 1):
        k.send(0, reassignment(topic.name, [2, 0, 1], partition=partition))
    k.send(0, election(topic.name, 0, 7))
    k.send(0, election(topic.name, 0, 1))
    k.send(0, election(topic.name, 0, 1))
    for broker in BROKERS:
        k.send(
            broker,
            metadata(topic.name),
            until=leaders(2, 2),
        )


@scenario(ApiKey.ELECT_LEADERS)
def not_the_controller(k: ClusterSession) -> None:
    topic = k.create_topic([0, 1])
    for broker in (1, 2):
        k.send(broker, election(topic.name))
        k.send(broker, election(k.name("none")))


@scenario(ApiKey.ELECT_LEADERS, newest_only=True, restarts=True)
def while_one_is_gone(k: ClusterSession) -> None:
    topic, alone = k.create_topic([2, 1], [0, 2]), k.create_topic([2], suffix="alone")
    k.stop(2)
    k.watch(0, metadata(topic.name), isr(1, 1))
    k.watch(0, metadata(alone.name), leaders(-1))
    for unclean in (False, True):
        k.send(0, election(topic.name, 0, 1, unclean=unclean))
        k.send(0, election(alone.name, unclean=unclean))
    k.start(2)
    k.watch(0, metadata(topic.name), isr(2, 2))
    k.watch(0, metadata(alone.name), leaders(2))
    for unclean in (False, True):
        k.send(0, election(topic.name, 0, 1, unclean=unclean))
        k.send(0, election(alone.name, unclean=unclean))
    k.send(0, metadata(topic.name), until=leaders(2, 0))


@scenario(ApiKey.ELECT_LEADERS, newest_only=True, restarts=True)
def a_replica_that_lacks_records(k: ClusterSession) -> None:
    topic = k.create_topic([1, 2])
    k.produce(topic, b"a", at=1)
    k.stop(2)
    k.watch(0, metadata(topic.name), isr(1))
    k.watch(1, metadata(topic.name), isr(1))
    k.produce(topic, b"b", at=1)
    k.stop(1)
    k.send(0, metadata(topic.name), until=leaders(-1))
    k.start(2)
    k.send(0, metadata(topic.name))
    k.send(0, election(topic.name))
    k.send(0, election(topic.name, unclean=True))
    k.send(0, metadata(topic.name), until=leaders(2))
    k.watch(2, metadata(topic.name), leaders(2))
    k.note("offset after what was lost", k.produce(topic, b"c", at=2))
    k.start(1)
    for broker in BROKERS:
        k.send(broker, metadata(topic.name), until=isr(2))
