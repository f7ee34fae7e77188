"""Nodes as a Kafka 3.9.2 broker wrote them into ZooKeeper, read and written again."""

from __future__ import annotations

import pytest

from odradek.metadata import znodes
from odradek.metadata.topic_id import parse_topic_id
from odradek.metadata.topic_partition import TopicPartition
from odradek.metadata.znodes import (
    BrokerRegistration,
    ControllerRegistration,
    Endpoint,
    LeaderAndIsr,
    ProducerIdBlock,
    ReplicaAssignment,
    TopicAssignment,
)

BROKER = (
    b'{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},'
    b'"endpoints":["PLAINTEXT://localhost:51197"],"jmx_port":-1,"port":51197,"host":"localhost","version":5,'
    b'"timestamp":"1795361720442"}'
)
BROKER_WITH_RACK = (
    b'{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT","EXTERNAL":"PLAINTEXT"},'
    b'"endpoints":["PLAINTEXT://localhost:51197","EXTERNAL://localhost:32919"],"rack":"r1","jmx_port":-1,'
    b'"port":51197,"host":"localhost","version":5,"timestamp":"1795361951108"}'
)
TOPIC = (
    b'{"partitions":{"0":[0],"1":[0],"2":[0]},"topic_id":"A6d4TlLOTfqs-8And5x6LQ","adding_replicas":{},'
    b'"removing_replicas":{},"version":3}'
)
KEYS_OF_113_PARTITIONS = """
88 89 110 111 112 90 91 92 93 94 95 96 97 10 98 11 99 12 13 14 15 16 17 18 19 0 1 2 3 4 5 6 7 8 9
20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52
53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 100 101 102 103
104 105 106 80 107 81 108 82 109 83 84 85 86 87
"""
STATE = b'{"controller_epoch":1,"leader":0,"version":1,"leader_epoch":0,"isr":[0]}'
CONTROLLER = b'{"version":2,"brokerid":0,"timestamp":"1795361720741","kraftControllerEpoch":-1}'
CLUSTER_ID = b'{"version":"1","id":"WSugVm_UR3K59u-QyyfwuQ"}'
PRODUCER_ID_BLOCK = b'{"version":1,"broker":0,"block_start":"0","block_end":"999"}'
FEATURE = b'{"features":{},"version":2,"status":1}'
CONFIG = (
    b'{"version":1,"config":{"compression.type":"uncompressed","cleanup.policy":"compact",'
    b'"min.insync.replicas":"1","segment.bytes":"104857600","unclean.leader.election.enable":"false"}}'
)


@pytest.mark.parametrize("data", [BROKER, BROKER_WITH_RACK])
def test_a_registration_is_written_as_kafka_writes_it(data):
    assert BrokerRegistration.decode(data).encode() == data


def test_a_registration_is_read():
    registration = BrokerRegistration.decode(BROKER_WITH_RACK)
    assert registration.endpoints == (
        Endpoint("localhost", 51197, "PLAINTEXT", "PLAINTEXT"),
        Endpoint("localhost", 32919, "EXTERNAL", "PLAINTEXT"),
    )
    assert (registration.rack, registration.timestamp_ms) == ("r1", 1795361951108)


def test_a_registration_without_plaintext_has_no_host_for_old_clients():
    registration = BrokerRegistration((Endpoint("h", 1, "SSL", "SSL"),), timestamp_ms=5)
    assert b'"port":-1,"host":null' in registration.encode()


def test_an_ipv6_endpoint_has_brackets_in_its_node_only():
    endpoint = Endpoint("::1", 9092, "PLAINTEXT", "PLAINTEXT")
    data = BrokerRegistration((endpoint,), timestamp_ms=5).encode()
    assert b'"PLAINTEXT://[::1]:9092"' in data
    assert BrokerRegistration.decode(data).endpoints == (endpoint,)


def test_a_topic_is_read_and_written():
    topic = TopicAssignment.decode(TOPIC)
    assert topic.topic_id == parse_topic_id("A6d4TlLOTfqs-8And5x6LQ")
    assert topic.partitions == {number: ReplicaAssignment((0,)) for number in range(3)}
    assert topic.encode() == TOPIC


def test_partitions_come_in_the_order_of_kafkas_table():
    topic = TopicAssignment(None, {number: ReplicaAssignment((0,)) for number in range(113)})
    keys = ",".join(f'"{key}":[0]' for key in KEYS_OF_113_PARTITIONS.split())
    assert topic.encode().decode().startswith(f'{{"partitions":{{{keys}}}')


def test_a_reassignment_survives():
    partitions = {0: ReplicaAssignment((1, 2), adding=(1,), removing=(2,)), 1: ReplicaAssignment((2,))}
    topic = TopicAssignment(None, partitions)
    assert TopicAssignment.decode(topic.encode()) == topic
    assert b'"adding_replicas":{"0":[1]}' in topic.encode()
    assert [partition.is_being_reassigned for partition in partitions.values()] == [True, False]


def test_a_topic_of_an_older_release_has_no_id():
    assert TopicAssignment.decode(b'{"version":1,"partitions":{"0":[1]}}') == TopicAssignment(
        None, {0: ReplicaAssignment((1,))}
    )


def test_a_partition_state_is_read_and_written():
    assert LeaderAndIsr.decode(STATE) == LeaderAndIsr(leader=0, leader_epoch=0, isr=(0,), controller_epoch=1)
    assert LeaderAndIsr.decode(STATE).encode() == STATE


def test_single_nodes_are_read_and_written():
    assert ControllerRegistration.decode(CONTROLLER).encode() == CONTROLLER
    assert znodes.encode_cluster_id(znodes.decode_cluster_id(CLUSTER_ID)) == CLUSTER_ID
    assert ProducerIdBlock.decode(PRODUCER_ID_BLOCK) == ProducerIdBlock(0, 0, 999)
    assert ProducerIdBlock(0, 0, 999).encode() == PRODUCER_ID_BLOCK
    assert znodes.encode_features({}) == FEATURE
    config = znodes.decode_entity_config(CONFIG)
    assert znodes.encode_entity_config(dict(sorted(config.items()))) == CONFIG
    assert znodes.decode_entity_config(b"") == {}
    assert znodes.decode_controller_epoch(znodes.encode_controller_epoch(12)) == 12


@pytest.mark.parametrize("data", [b"", b"[]", b"{"])
def test_a_broken_node_is_a_value_error(data):
    with pytest.raises(ValueError):
        TopicAssignment.decode(data)


def test_a_partition_that_recovers_from_an_unclean_election_says_so():
    recovering = LeaderAndIsr(1, 4, (1,), 2, is_recovering=True)
    assert recovering.encode() == (
        b'{"controller_epoch":2,"leader":1,"version":1,"leader_recovery_state":1,"leader_epoch":4,"isr":[1]}'
    )
    assert LeaderAndIsr.decode(recovering.encode()) == recovering


def test_features_are_enabled_or_not():
    assert znodes.decode_features(FEATURE) == (2, True, {})
    assert znodes.decode_features(znodes.encode_features({"f": 3})) == (2, True, {"f": 3})
    assert znodes.decode_features(b'{"version":2,"status":0,"features":{}}') == (2, False, {})


def test_features_of_before_3_3_are_written_as_a_kafka_of_that_protocol_version_does():
    assert znodes.encode_features({}, 1) == b'{"features":{},"version":1,"status":1}'
    assert znodes.decode_features(znodes.encode_features({"f": 3}, 1)) == (1, True, {"f": 3})


@pytest.mark.parametrize("decode", [znodes.decode_isr_changes, znodes.decode_preferred_elections])
def test_what_only_others_write_is_read(decode):
    """As kafka.zk.ZkData writes it: leaders of an older Kafka, and tools of old."""
    data = b'{"version":1,"partitions":[{"topic":"t","partition":0},{"topic":"u","partition":2}]}'
    assert decode(data) == [TopicPartition("t", 0), TopicPartition("u", 2)]


@pytest.mark.parametrize(
    ("encode", "decode", "value", "data"),
    [
        (
            znodes.encode_reassignments,
            znodes.decode_reassignments,
            {TopicPartition("t", 0): (2, 1)},
            b'{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[2,1]}]}',
        ),
        (
            znodes.encode_log_dir_event,
            znodes.decode_log_dir_event,
            3,
            b'{"version":1,"broker":3,"event":1}',
        ),
    ],
)
def test_what_is_said_to_a_controller_is_read_and_written(encode, decode, value, data):
    """As kafka.zk.ZkData writes it, and as tools of old wrote it."""
    assert encode(value) == data
    assert decode(data) == value


@pytest.mark.parametrize(
    ("origin", "target", "replicas", "adding", "removing"),
    [
        ((1, 2, 3), (4, 5, 6), (4, 5, 6, 1, 2, 3), (4, 5, 6), (1, 2, 3)),
        ((1, 2, 3), (3, 4, 2), (3, 4, 2, 1), (4,), (1,)),
        ((1, 2), (2, 1), (2, 1), (), ()),
        ((1, 2), (1,), (1, 2), (), (2,)),
    ],
)
def test_replicas_that_move_are_all_there_meanwhile(origin, target, replicas, adding, removing):
    """KIP-455; the first row is the example in KafkaController."""
    moving = ReplicaAssignment(origin).reassigned_to(target)
    assert moving == ReplicaAssignment(replicas, adding, removing)
    assert moving.target == target
    assert set(moving.origin) == set(origin)
    assert moving.is_being_reassigned is bool(adding or removing)
    assert set(moving.reassigned_to(moving.origin).target) == set(origin)
