"""The durable half of a group shard: what the records of its `__consumer_offsets` partition add up to.

Changes by `replay` only, live as when loading, so a restart finds exactly this. Offsets written inside a
transaction wait in `_pending` for its marker.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from odradek.coordinators.outcome import NO_PRODUCER_ID, ReplayedRecord
from odradek.groups import records
from odradek.groups.records import GroupKey, OffsetKey
from odradek.groups.stored import CommittedOffset, StoredGroup
from odradek.metadata.topic_partition import TopicPartition


@dataclass(slots=True)
class GroupJournal:
    """Generations by group id; committed offsets by group id and partition."""

    groups: dict[str, StoredGroup] = field(default_factory=dict)
    offsets: dict[str, dict[TopicPartition, CommittedOffset]] = field(default_factory=dict)
    _pending: dict[int, dict[OffsetKey, CommittedOffset]] = field(default_factory=dict)

    def replay(self, record: ReplayedRecord) -> None:
        """Apply one record. Kinds that this coordinator does not know are left alone, as Kafka does."""
        key = records.read_key(record.key)
        if isinstance(key, GroupKey):
            stored = records.read_group(record.value)
            if stored is None:
                self.groups.pop(key.group_id, None)
            else:
                self.groups[key.group_id] = stored
        elif isinstance(key, OffsetKey):
            committed = records.read_offset(record.value, record.batch_offset)
            if record.producer_id == NO_PRODUCER_ID:
                self._set_offset(key, committed)
            else:
                self._set_pending(record.producer_id, key, committed)

    def end_transaction(self, producer_id: int, *, committed: bool) -> None:
        """The producer's pending offsets take effect, unless something later in the log already has."""
        for key, offset in self._pending.pop(producer_id, {}).items():
            if not committed:
                continue
            current = self.offsets.get(key.group_id, {}).get(key.partition)
            if current is None or current.batch_offset < offset.batch_offset:
                self._set_offset(key, offset)

    def partitions(self, group_id: str) -> set[TopicPartition]:
        """The partitions for which the group has an offset, pending ones included."""
        pending = (key for offsets in self._pending.values() for key in offsets)
        settled = set(self.offsets.get(group_id, ()))
        return settled.union(key.partition for key in pending if key.group_id == group_id)

    def has_pending(self, group_id: str, partition: TopicPartition) -> bool:
        """Whether an open transaction has written an offset for this partition."""
        if not self._pending:
            return False
        key = OffsetKey(group_id, partition)
        return any(key in offsets for offsets in self._pending.values())

    def group_ids(self) -> set[str]:
        """Every group of which anything is known."""
        pending = {key.group_id for offsets in self._pending.values() for key in offsets}
        return self.groups.keys() | self.offsets.keys() | pending

    def _set_offset(self, key: OffsetKey, committed: CommittedOffset | None) -> None:
        if committed is not None:
            self.offsets.setdefault(key.group_id, {})[key.partition] = committed
            return
        # A deletion also takes back what an open transaction wrote before it.
        for pending in self._pending.values():
            pending.pop(key, None)
        offsets = self.offsets.get(key.group_id)
        if offsets is not None:
            offsets.pop(key.partition, None)
            if not offsets:
                del self.offsets[key.group_id]

    def _set_pending(self, producer_id: int, key: OffsetKey, committed: CommittedOffset | None) -> None:
        pending = self._pending.setdefault(producer_id, {})
        if committed is None:
            pending.pop(key, None)
        else:
            pending[key] = committed
