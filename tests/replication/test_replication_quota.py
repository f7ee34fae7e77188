"""How fast replicas that are behind may catch up."""

from odradek.metadata.topic_partition import TopicPartition
from odradek.replication.replication_quota import ReplicationQuota

P3 = TopicPartition("t", 3)


class Now:
    ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_only_named_replicas_of_this_broker_are_throttled():
    quota = ReplicationQuota(1, Now(), lambda: 10)
    assert quota.is_throttled(P3, ("3:1",))
    assert quota.is_throttled(P3, ("0:1", "3:2", "3:1"))
    assert quota.is_throttled(P3, ("*",))
    for others in ((), ("3:2",), ("1:3",), ("33:1",)):
        assert not quota.is_throttled(P3, others)


def test_a_rate_is_exceeded_until_time_has_made_up_for_it():
    now = Now()
    quota = ReplicationQuota(1, now, lambda: 1000)
    assert not quota.is_exceeded()
    quota.record(1000)
    assert not quota.is_exceeded()
    quota.record(3000)
    assert quota.is_exceeded()
    now.ms += 3999
    assert quota.is_exceeded()
    now.ms += 1
    assert not quota.is_exceeded()


def test_what_is_long_past_is_forgotten():
    now = Now()
    rate = 1000
    quota = ReplicationQuota(1, now, lambda: rate)
    quota.record(10**9)
    now.ms += 10_999
    assert quota.is_exceeded()
    now.ms += 1
    assert not quota.is_exceeded()
    quota.record(500)
    assert not quota.is_exceeded()
    rate = 100
    assert quota.is_exceeded()


def test_what_is_only_counted_is_forgotten_too():
    now = Now()
    quota = ReplicationQuota(1, now, lambda: 10**9)
    for _ in range(1000):
        quota.record(8)
        now.ms += 1000
    assert len(quota._samples) <= 12
