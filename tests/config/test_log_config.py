from odradek.config.log_config import LogConfig


def test_the_active_segment_of_a_compacted_topic_rolls_by_the_compaction_lag():
    config = LogConfig(cleanup_policy=frozenset({"compact"}), segment_ms=1000, max_compaction_lag_ms=500)
    assert config.max_segment_ms == 500
    assert LogConfig(segment_ms=1000, max_compaction_lag_ms=500).max_segment_ms == 1000


def test_record_versions_follow_the_message_format():
    assert LogConfig().record_version == 2
    assert LogConfig(message_format_version="0.11.0-IV0").record_version == 2
    assert LogConfig(message_format_version="0.10.2").record_version == 1
    assert LogConfig(message_format_version="0.9.0").record_version == 0
