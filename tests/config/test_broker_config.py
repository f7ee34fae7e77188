import pytest

from odradek.config.broker_config import BrokerConfig
from odradek.config.listeners import Listener
from odradek.errors import InvalidConfig

ZOOKEEPER = {"zookeeper.connect": "localhost:2181"}


def test_without_any_argument_a_broker_is_the_only_one_of_its_cluster():
    config = BrokerConfig()
    assert config.listeners == (Listener("PLAINTEXT", "PLAINTEXT", "localhost", 9092),)
    assert config.advertised_listeners == config.listeners
    assert config.log_dirs == ("./odradek-data",)
    assert config.node_id == 0
    for name in ("offsets.topic", "transaction.state.log"):
        assert config.int(f"{name}.replication.factor") == 1
    assert config.int("transaction.state.log.min.isr") == 1
    assert config.int("group.initial.rebalance.delay.ms") == 0


def test_odradeks_defaults_give_way_to_what_is_set():
    config = BrokerConfig({"group.initial.rebalance.delay.ms": "7", "listeners": "SSL://:1",
                           "security.inter.broker.protocol": "SSL"})  # fmt: skip
    assert config.int("group.initial.rebalance.delay.ms") == 7
    assert config.listeners == (Listener("SSL", "SSL", None, 1),)


def test_beside_zookeeper_kafkas_own_defaults_hold():
    config = BrokerConfig(ZOOKEEPER)
    assert config.int("offsets.topic.replication.factor") == 3
    assert config.log_dirs == ("/tmp/kafka-logs",)
    assert config.listeners == (Listener("PLAINTEXT", "PLAINTEXT", None, 9092),)
    assert config.node_id == -1


def test_node_id_and_broker_id_are_one():
    assert BrokerConfig({"node.id": "5"}).int("broker.id") == 5
    assert BrokerConfig({"broker.id": "5"}).int("node.id") == 5
    with pytest.raises(InvalidConfig, match=r"^You must set `node.id` to the same value as `broker.id`.$"):
        BrokerConfig({"node.id": "5", "broker.id": "6"})


def test_a_kraft_file_is_accepted_and_its_controller_is_without_effect():
    config = BrokerConfig(
        {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "inter.broker.listener.name": "PLAINTEXT",
            "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": "/data",
        }
    )
    assert [str(listener) for listener in config.listeners] == ["PLAINTEXT://:9092"]
    assert [str(listener) for listener in config.advertised_listeners] == ["PLAINTEXT://localhost:9092"]
    assert {"process.roles", "controller.quorum.voters", "controller.listener.names"} <= set(
        config.without_effect
    )


def test_an_unmapped_controller_listener_of_a_kraft_file_is_plaintext():
    config = BrokerConfig(
        {
            "process.roles": "broker,controller",
            "controller.listener.names": "CONTROLLER",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        }
    )
    assert len(config.listeners) == 1


def test_unknown_names_are_kept_and_named():
    config = BrokerConfig({"my.own": "1", "num.partitions": "2", "listener.name.a.ssl.client.auth": "none"})
    assert config.unknown == ("my.own",)
    assert config.originals["my.own"] == "1"


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("num.partitions", "many", "Not a number of type INT"),
        ("num.partitions", "0", "Value must be at least 1"),
        ("num.partitions", "3000000000", "Not a number of type INT"),
        ("delete.topic.enable", "yes", "Expected value to be either true or false"),
        ("log.message.timestamp.type", "Now", "String must be one of: CreateTime, LogAppendTime"),
        ("log.cleaner.io.buffer.load.factor", "x", "Not a number of type DOUBLE"),
        ("compression.gzip.level", "10", "Value must be between 1 and 9 or equal to -1"),
        ("inter.broker.protocol.version", "9.9", "Version 9.9 is not a valid version"),
        ("odradek.validate.records", "some", "String must be one of: default, full"),
        ("offsets.topic.compression.codec", "x", "Not a number of type INT"),
        ("num.partitions", "9" * 5000, "Not a number of type INT"),
        ("listener.name.plaintext.max.connections", "many", "Not a number of type INT"),
        ("listener.name.plaintext.max.connection.creation.rate", "-1", "Value must be at least 0"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name, text, allowed):
    with pytest.raises(InvalidConfig) as refused:
        BrokerConfig({name: text})
    assert str(refused.value) == f"Invalid value {text} for configuration {name}: {allowed}"


@pytest.mark.parametrize("name", ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"])
def test_what_topics_are_given_is_what_topics_may_have(name):
    """As real Kafka 3.9.2 stops; a running one takes it."""
    with pytest.raises(
        InvalidConfig, match=r"^Invalid value -1 for configuration flush\.ms: Value must be at least 0$"
    ):
        BrokerConfig({name: "-1"})
    assert (
        BrokerConfig({}, dynamic_default={"log.flush.interval.ms": "-1"}).int("log.flush.interval.ms") == -1
    )


@pytest.mark.parametrize("codec", ["-1", "5"])
def test_an_unknown_codec_stops_the_start(codec):
    with pytest.raises(InvalidConfig, match=f"^Unknown compression type id: {codec}$"):
        BrokerConfig({"offsets.topic.compression.codec": codec})


def test_what_another_listener_may_have_is_nobodys_concern():
    BrokerConfig({"listener.name.other.max.connections": "many"})


@pytest.mark.parametrize("port", ["3000000000", "9" * 5000])
def test_a_port_beyond_an_int_is_refused(port):
    with pytest.raises(InvalidConfig, match=f'For input string: "{port}"'):
        BrokerConfig({"listeners": f"PLAINTEXT://localhost:{port}"})


def test_a_wrong_element_of_a_list_is_named():
    with pytest.raises(
        InvalidConfig, match=r"^Invalid value forget for configuration log\.cleanup\.policy: "
    ):
        BrokerConfig({"log.cleanup.policy": "compact,forget"})


@pytest.mark.parametrize(
    ("name", "text", "requirement"),
    [
        ("log.retention.ms", "0", "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"),
        (
            "advertised.listeners",
            "PLAINTEXT://0.0.0.0:1",
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. "
            "Use a routable IP address.",
        ),
        (
            "inter.broker.listener.name",
            "INTERNAL",
            "inter.broker.listener.name must be a listener name defined in advertised.listeners. "
            "The valid options based on currently configured listeners are PLAINTEXT",
        ),
        (
            "control.plane.listener.name",
            "SSL",
            "control.plane.listener.name must be a listener name defined in advertised.listeners. "
            "The valid options based on currently configured listeners are PLAINTEXT",
        ),
        (
            "control.plane.listener.name",
            "plaintext",
            "control.plane.listener.name, when defined, should have a different value from the inter broker "
            "listener name. Currently they both have the value ListenerName(PLAINTEXT)",
        ),
    ],
)
def test_what_configs_require_of_each_other_is_said_in_kafkas_words(name, text, requirement):
    with pytest.raises(InvalidConfig) as refused:
        BrokerConfig({name: text})
    assert str(refused.value) == f"requirement failed: {requirement}"


def test_the_control_planes_listener_has_to_be_known_at_all():
    with pytest.raises(InvalidConfig) as refused:
        BrokerConfig({"control.plane.listener.name": "CONTROL"})
    assert str(refused.value) == (
        "Listener with CONTROL defined in control.plane.listener.name not found in "
        "listener.security.protocol.map."
    )


def test_dynamic_configs_win_over_static_ones_and_this_brokers_over_the_clusters():
    config = BrokerConfig({"num.network.threads": "2", "background.threads": "3"}).with_dynamic(
        dynamic_default={"num.network.threads": "4", "background.threads": "5"},
        dynamic_broker={"num.network.threads": "6"},
    )
    assert config.int("num.network.threads") == 6
    assert config.int("background.threads") == 5


def test_a_dynamic_synonym_takes_the_place_of_a_static_one_that_has_precedence():
    config = BrokerConfig({"log.roll.ms": "5"}).with_dynamic(
        dynamic_default={"log.roll.hours": "1"}, dynamic_broker={}
    )
    assert config.int_or_none("log.roll.ms") is None
    assert config.int("log.roll.hours") == 1


@pytest.mark.parametrize("release", ["3.9", "4.3"])
def test_replication_quotas_are_only_set_at_run_time(release):
    rate = "leader.replication.throttled.rate"
    static = BrokerConfig({rate: "5", "odradek.emulate": release})
    assert static.int(rate) == 2**63 - 1
    config = static.with_dynamic(dynamic_default={rate: "6"}, dynamic_broker={})
    assert config.int(rate) == 6
    assert config.with_dynamic(dynamic_default={rate: "6"}, dynamic_broker={rate: "7"}).int(rate) == 7
    with pytest.raises(InvalidConfig):
        static.with_dynamic(dynamic_default={}, dynamic_broker={rate: "-1"})


def test_a_dynamic_value_is_checked_against_the_static_ones():
    config = BrokerConfig({"replica.lag.time.max.ms": "10", "replica.fetch.wait.max.ms": "5"})
    config.with_dynamic(dynamic_default={"log.retention.ms": "1"}, dynamic_broker={})
    with pytest.raises(InvalidConfig, match=r"^requirement failed: log\.retention\.ms must be"):
        config.with_dynamic(dynamic_default={"log.retention.ms": "0"}, dynamic_broker={})


def test_conflicting_compaction_lags_stop_a_start_but_not_a_change_as_in_kafka():
    lags = {"log.cleaner.min.compaction.lag.ms": "11", "log.cleaner.max.compaction.lag.ms": "10"}
    with pytest.raises(InvalidConfig, match=r"min.compaction.lag.ms \(11\) > max.compaction.lag.ms \(10\)"):
        BrokerConfig(lags)
    BrokerConfig().with_dynamic(dynamic_default=lags, dynamic_broker={})


def test_overrides_make_another_config():
    config = BrokerConfig({"num.partitions": "2"})
    assert config.with_overrides({"num.partitions": "3"}).int("num.partitions") == 3
    assert config.int("num.partitions") == 2


def test_an_emulated_release_has_its_own_names_and_defaults():
    old, new = BrokerConfig({"odradek.emulate": "3.9"}), BrokerConfig({"odradek.emulate": "4.3"})
    assert old.int("log.message.timestamp.after.max.ms") == 2**63 - 1
    assert new.int("log.message.timestamp.after.max.ms") == 3600000
    assert "zookeeper.connect" in old.definitions
    assert "zookeeper.connect" not in new.definitions


def test_from_4_2_on_lists_lose_their_duplicates_and_take_no_empty_element():
    config = BrokerConfig({"odradek.emulate": "4.3", "log.cleanup.policy": "delete,compact,delete"})
    assert config.list("log.cleanup.policy") == ("delete", "compact")
    with pytest.raises(
        InvalidConfig, match=r"^Configuration 'log\.cleanup\.policy' values must not be empty"
    ):
        BrokerConfig({"odradek.emulate": "4.3", "log.cleanup.policy": "delete,,compact"})
    assert BrokerConfig({"log.cleanup.policy": "delete,delete"}).list("log.cleanup.policy") == ("delete",) * 2


@pytest.mark.parametrize(
    ("protocol", "message_format", "needed"),
    [
        ("0.8.2", "0.9.0", None),
        ("0.10.0", "0.9.0", None),
        ("0.11.0", "0.10.2", None),
        ("2.8", "2.7", None),
        ("3.0", "0.9.0", None),
        ("0.9.0", "0.10.0", "0.10.0"),
        ("0.9.0", "3.0", "0.11.0"),
        ("0.10.2", "1.0", "0.11.0"),
    ],
)
def test_a_message_format_is_no_newer_than_the_protocol(protocol, message_format, needed):
    properties = {
        "zookeeper.connect": "zookeeper:2181",
        "inter.broker.protocol.version": protocol,
        "log.message.format.version": message_format,
    }
    if needed is None:
        BrokerConfig(properties)
        return
    with pytest.raises(InvalidConfig) as refused:
        BrokerConfig(properties)
    assert str(refused.value) == (
        f"requirement failed: log.message.format.version {message_format} can only be used when "
        f"inter.broker.protocol.version is set to version {needed} or higher"
    )
