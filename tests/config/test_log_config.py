from odradek.config.log_config import LogConfig


def test_the_active_segment_of_a_compacted_topic_rolls_by_the_compaction_lag():
    config = LogConfig(cleanup_policy=frozenset({"compact"}), segment_ms=1000, max_compaction_lag_ms=500)
    assert config.max_segment_ms == 500
    assert LogConfig(segment_ms=1000, max_compaction_lag_ms=500).max_segment_ms == 1000
