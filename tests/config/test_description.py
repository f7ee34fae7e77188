from collections.abc import Mapping

from odradek.config.broker_config import BrokerConfig
from odradek.config.definition import UNKNOWN_TYPE, Type
from odradek.config.description import (
    Entry,
    Source,
    Synonym,
    describe_broker,
    describe_broker_default,
    describe_client_metrics,
    describe_group,
    describe_topic,
)

ZOOKEEPER = {"zookeeper.connect": "zk:2181", "broker.id": "3"}


def broker(properties: Mapping[str, str], *, cluster: Mapping[str, str] = {}) -> dict[str, Entry]:
    config = BrokerConfig(properties).with_dynamic(dynamic_default=cluster, dynamic_broker={})
    return {entry.name: entry for entry in describe_broker(config)}


def topic(overrides: Mapping[str, str], properties: Mapping[str, str] = ZOOKEEPER) -> dict[str, Entry]:
    return {entry.name: entry for entry in describe_topic(BrokerConfig(properties), overrides)}


def test_a_broker_shows_every_config_but_internal_and_own_ones():
    entries = broker(ZOOKEEPER)
    assert len(entries) == 315  # as many as Kafka 3.9.2 shows
    assert "log.initial.task.delay.ms" not in entries
    assert "odradek.emulate" not in entries


def test_a_static_value_stands_before_the_default():
    entry = broker(ZOOKEEPER)["broker.id"]
    assert entry == Entry(
        "broker.id",
        "3",
        Source.STATIC_BROKER,
        read_only=True,
        type_id=Type.INT.value,
        synonyms=(
            Synonym("broker.id", "3", Source.STATIC_BROKER),
            Synonym("broker.id", "-1", Source.DEFAULT),
        ),
    )
    assert broker(ZOOKEEPER)["node.id"].source is Source.STATIC_BROKER


def test_secrets_and_unknown_names_are_hidden():
    entries = broker({**ZOOKEEPER, "ssl.key.password": "secret", "my.own": "x"})
    assert entries["ssl.key.password"].value is None
    assert entries["ssl.key.password"].synonyms == (Synonym("ssl.key.password", None, Source.STATIC_BROKER),)
    assert entries["my.own"] == Entry(
        "my.own",
        None,
        Source.STATIC_BROKER,
        read_only=True,
        sensitive=True,
        type_id=UNKNOWN_TYPE,
        synonyms=(Synonym("my.own", None, Source.STATIC_BROKER),),
    )


def test_a_topics_own_value_stands_before_the_brokers():
    assert topic({"cleanup.policy": "compact"})["cleanup.policy"] == Entry(
        "cleanup.policy",
        "compact",
        Source.TOPIC,
        type_id=Type.LIST.value,
        synonyms=(
            Synonym("cleanup.policy", "compact", Source.TOPIC),
            Synonym("log.cleanup.policy", "delete", Source.DEFAULT),
        ),
    )


def test_a_coarser_unit_gives_a_topic_its_value_and_not_its_source_as_in_kafka():
    entry = topic({}, {**ZOOKEEPER, "log.retention.hours": "1"})["retention.ms"]
    assert (entry.value, entry.source, entry.synonyms) == ("3600000", Source.DEFAULT, ())


def test_a_topic_without_a_broker_config_behind_has_no_synonyms():
    entry = topic({})["remote.storage.enable"]
    assert (entry.value, entry.source, entry.synonyms) == ("false", Source.DEFAULT, ())


def test_dynamic_configs_come_before_static_ones():
    entry = broker({**ZOOKEEPER, "log.retention.ms": "3"}, cluster={"log.retention.ms": "2"})[
        "log.retention.ms"
    ]
    assert entry.value == "2"
    assert [synonym.source for synonym in entry.synonyms] == [
        Source.DYNAMIC_DEFAULT_BROKER,
        Source.STATIC_BROKER,
        Source.DEFAULT,
    ]
    assert entry.synonyms[-1].name == "log.retention.hours"


def test_the_clusters_default_shows_only_itself():
    config = BrokerConfig(ZOOKEEPER).with_dynamic(
        dynamic_default={"num.io.threads": "9", "my.own": "x"}, dynamic_broker={"num.io.threads": "10"}
    )
    threads, own = describe_broker_default(config)
    assert threads.value == "9"
    assert threads.synonyms == (Synonym("num.io.threads", "9", Source.DYNAMIC_DEFAULT_BROKER),)
    assert (own.value, own.sensitive) == (None, True)


def test_a_group_shows_the_brokers_config_behind_its_own():
    config = BrokerConfig({"odradek.emulate": "4.3"})
    entries = {
        entry.name: entry for entry in describe_group(config, {"share.isolation.level": "read_committed"})
    }
    session = entries["consumer.session.timeout.ms"]
    assert session.synonyms == (Synonym("group.consumer.session.timeout.ms", "45000", Source.DEFAULT),)
    assert entries["share.isolation.level"].source is Source.GROUP
    assert len(entries) == 17


def test_a_subscription_shows_what_it_sets_and_the_rest():
    config = BrokerConfig({"odradek.emulate": "4.3"})
    entries = {entry.name: entry for entry in describe_client_metrics(config, {"interval.ms": "5000"})}
    assert entries["interval.ms"].source is Source.CLIENT_METRICS
    assert (entries["match"].value, entries["match"].source) == ("", Source.DEFAULT)
