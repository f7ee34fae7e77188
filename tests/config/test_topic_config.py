import pytest

from odradek.config.broker_config import BrokerConfig
from odradek.config.log_config import LogConfig
from odradek.config.topic_config import log_config_of, topic_values, validate_topic_configs
from odradek.errors import InvalidConfig, KafkaError
from odradek.protocol.error_codes import ErrorCode


def broker(**properties: str) -> BrokerConfig:
    return BrokerConfig({name.replace("_", "."): text for name, text in properties.items()})


def test_a_default_broker_gives_topics_kafkas_defaults():
    assert log_config_of(BrokerConfig(), {}) == LogConfig()


def test_every_release_gives_a_log_its_config():
    for release in ("2.8", "3.0", "3.6", "4.0", "4.3"):
        config = log_config_of(broker(odradek_emulate=release), {})
        assert config.retention_ms == 7 * 24 * 3600 * 1000
    assert config.message_timestamp_after_max_ms == 3600000


def test_the_brokers_configs_are_topics_defaults_in_their_units():
    config = log_config_of(
        broker(log_roll_hours="2", log_retention_minutes="3", log_segment_bytes="100", message_max_bytes="5"),
        {},
    )
    assert config.segment_ms == 2 * 3600 * 1000
    assert config.retention_ms == 3 * 60 * 1000
    assert config.segment_bytes == 100
    assert config.max_message_bytes == 5


def test_a_finer_unit_wins_over_a_coarser_one():
    assert log_config_of(broker(log_roll_hours="2", log_roll_ms="7"), {}).segment_ms == 7
    assert log_config_of(broker(log_retention_ms="-5"), {}).retention_ms == -1


def test_the_flush_interval_falls_back_to_the_schedulers():
    assert log_config_of(broker(log_flush_scheduler_interval_ms="9"), {}).flush_ms == 9


def test_overrides_win_and_are_remembered():
    config = log_config_of(BrokerConfig(), {"cleanup.policy": "compact, delete", "flush.messages": "1"})
    assert config.compact
    assert config.delete
    assert config.flush_messages == 1
    assert config.overridden == {"cleanup.policy", "flush.messages"}


def test_the_deprecated_timestamp_bound_stands_for_both_of_its_successors():
    config = log_config_of(broker(log_message_timestamp_difference_max_ms="5"), {})
    assert (config.message_timestamp_before_max_ms, config.message_timestamp_after_max_ms) == (5, 5)


def test_a_topics_message_format_version_is_ignored_from_3_0_on():
    overrides = {"message.format.version": "0.10.0"}
    assert log_config_of(BrokerConfig(), overrides).message_format_version == "3.0-IV1"
    assert topic_values(BrokerConfig(), overrides)["message.format.version"] == "0.10.0"


def test_an_unknown_name_is_an_invalid_config():
    with pytest.raises(KafkaError) as refused:
        validate_topic_configs(BrokerConfig(), {"retention.years": "1"})
    assert refused.value.code == ErrorCode.INVALID_CONFIG
    assert refused.value.message == "Unknown topic config name: retention.years"


def test_names_of_another_release_are_unknown():
    validate_topic_configs(BrokerConfig(), {"message.downconversion.enable": "false"})
    with pytest.raises(KafkaError, match="Unknown topic config name"):
        validate_topic_configs(broker(odradek_emulate="4.3"), {"message.downconversion.enable": "false"})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"retention.ms": "-2"},
            "Invalid value -2 for configuration retention.ms: Value must be at least -1",
        ),
        (
            {"min.cleanable.dirty.ratio": "1.5"},
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        (
            {"leader.replication.throttled.replicas": "1:2,x"},
            "Invalid value [1:2, x] for configuration leader.replication.throttled.replicas: "
            "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the "
            "following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        ),
        (
            {"remote.storage.enable": "true"},
            "Tiered Storage functionality is disabled in the broker. "
            "Topic cannot be configured with remote log storage.",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_kafkas_words(overrides, message):
    with pytest.raises(InvalidConfig) as refused:
        validate_topic_configs(BrokerConfig(), overrides)
    assert str(refused.value) == message


def test_conflicting_lags_are_refused_even_against_the_brokers_value():
    with pytest.raises(KafkaError) as refused:
        validate_topic_configs(
            broker(log_cleaner_max_compaction_lag_ms="10"), {"min.compaction.lag.ms": "11"}
        )
    assert refused.value.message == (
        "conflict topic config setting min.compaction.lag.ms (11) > max.compaction.lag.ms (10)"
    )
