import pytest

from compat.protocol_facts import protocol_facts
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.messages import request_class
from odradek.protocol.releases import LATEST, RELEASES, VersionRange, advertised_api_versions, api_versions


def test_the_known_releases():
    zookeeper = ["2.8", "3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9"]
    assert [*RELEASES] == [*zookeeper, "4.0", "4.1", "4.2", "4.3"]
    assert LATEST == "4.3"


def test_a_range_holds_both_its_bounds():
    assert api_versions("3.9")[ApiKey.FETCH] == VersionRange(0, 17)
    assert 17 in api_versions("3.9")[ApiKey.FETCH]
    assert 18 not in api_versions("3.9")[ApiKey.FETCH]


def test_zookeeper_releases_talk_between_brokers_and_kraft_ones_do_not():
    assert ApiKey.LEADER_AND_ISR in api_versions("3.9")
    assert ApiKey.LEADER_AND_ISR not in api_versions("4.0")
    assert ApiKey.DESCRIBE_TOPIC_PARTITIONS not in api_versions("3.9")
    assert ApiKey.DESCRIBE_TOPIC_PARTITIONS in api_versions("4.0")


def test_an_unstable_version_is_not_offered():
    assert api_versions("4.3")[ApiKey.INIT_PRODUCER_ID] == VersionRange(0, 5)


@pytest.mark.parametrize("release", ["2.8", "3.9", "4.0", "4.3"])
def test_what_is_accepted_can_be_decoded(release: str):
    for key, versions in api_versions(release).items():
        assert versions.lowest >= request_class(key).MIN_VERSION
        assert versions.highest <= request_class(key).MAX_VERSION


def test_kraft_releases_claim_the_produce_versions_that_they_refuse():
    assert api_versions("4.0")[ApiKey.PRODUCE] == VersionRange(3, 12)
    assert advertised_api_versions("4.0")[ApiKey.PRODUCE] == VersionRange(0, 12)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("release", "jars", "listener"), [("3.9", "3.9.2", "ZK_BROKER"), ("4.3", "4.3.0", "BROKER")]
)
def test_what_is_advertised_is_what_kafka_says(release: str, jars: str, listener: str):
    offered = {
        int(key): (int(lowest), int(highest))
        for name, key, lowest, highest in protocol_facts(jars)["offered"]
        if name == listener
    }
    assert advertised_api_versions(release) == offered
