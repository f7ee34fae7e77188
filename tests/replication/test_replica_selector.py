"""Consumers read in their own rack."""

from odradek.records.validation import AppendOrigin
from odradek.replication.replica_selector import preferred_read_replica
from tests.replication.hosting import NODE_ID, batch, hosting

RACKS = {NODE_ID: "a", NODE_ID + 1: "b", NODE_ID + 2: "b"}
ALL = tuple(RACKS)


async def test_the_replica_of_the_rack_that_has_most(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=ALL, replicas=ALL)
        partition = host.replicas.hosted("t", 0)
        partition.append(batch(5), required_acks=1, origin=AppendOrigin.CLIENT, now_ms=0)
        partition.record_follower_fetch(ALL[1], 4)
        partition.record_follower_fetch(ALL[2], 3)

        def preferred(rack: str, offset: int, racks: dict[int, str] = RACKS) -> int | None:
            return preferred_read_replica(partition, rack, offset, racks.get, host.clock.now_ms())

        assert preferred("b", 2) == ALL[1]
        assert preferred("b", 5) is None
        assert preferred("a", 2) is None
        assert preferred("c", 2) is None
        assert preferred("", 2) is None
        assert preferred("b", 2, {NODE_ID: "a", ALL[2]: "b"}) == ALL[2]
        assert preferred("b", 2, dict.fromkeys(ALL, "b")) is None
        partition.record_follower_fetch(ALL[2], 4)
        assert preferred("b", 2) == ALL[2]
        partition.record_follower_fetch(ALL[2], 4, log_start_offset=3)
        assert preferred("b", 2) == ALL[1]


async def test_only_leaders_send_consumers_elsewhere_and_only_to_the_isr(tmp_path, autojump_clock):
    async with hosting(tmp_path) as host:
        host.tell("t", isr=ALL[:2], replicas=ALL)
        partition = host.replicas.hosted("t", 0)
        partition.record_follower_fetch(ALL[2], 0)
        assert preferred_read_replica(partition, "b", 0, RACKS.get, 0) is None
        partition.record_follower_fetch(ALL[1], 0)
        assert preferred_read_replica(partition, "b", 0, RACKS.get, 0) == ALL[1]
        host.tell("t", leader=ALL[1], leader_epoch=1, replicas=ALL)
        assert preferred_read_replica(partition, "b", 0, RACKS.get, 0) is None
