"""kafka-python: a client in Python alone."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import BrokerResponseError
from kafka.structs import OffsetAndMetadata

from compat.clients.harness.python import feats, program
from compat.clients.harness.python.surface import Group, Record, Refused

_ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}
_KAFKAS_NAMES = {"MESSAGE_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE"}


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except BrokerResponseError as error:
        raise Refused(_KAFKAS_NAMES.get(error.message, error.message)) from error


class Reader:
    """A consumer that never commits by itself."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._consumer = KafkaConsumer(**options)
        self._timeout_ms = 100

    def assign(self, topic: str, offsets: Mapping[int, int]) -> None:
        self._consumer.assign([TopicPartition(topic, partition) for partition in offsets])
        for partition, offset in offsets.items():
            self.seek(topic, partition, offset)

    def subscribe(self, topic: str) -> None:
        self._consumer.subscribe([topic])
        # Long enough for a rebalance: when a poll gives up while a leader rejoins because of new metadata,
        # the leader never applies its assignment (need_rejoin() is false again before the join has ended).
        self._timeout_ms = 1000

    def poll(self, most: int) -> Sequence[Record]:
        found = self._consumer.poll(timeout_ms=self._timeout_ms, max_records=most)
        return [_record(each) for records in found.values() for each in records]

    def assignment(self) -> frozenset[int]:
        return frozenset(each.partition for each in self._consumer.assignment())

    def seek(self, topic: str, partition: int, offset: int) -> None:
        self._consumer.seek(TopicPartition(topic, partition), offset)

    def pause(self, topic: str, partition: int) -> None:
        self._consumer.pause(TopicPartition(topic, partition))

    def resume(self, topic: str, partition: int) -> None:
        self._consumer.resume(TopicPartition(topic, partition))

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int:
        where = TopicPartition(topic, partition)
        return int(self._consumer.offsets_for_times({where: timestamp})[where].offset)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        self._consumer.commit({TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1)})

    def committed(self, topic: str, partition: int) -> int | None:
        offset: int | None = self._consumer.committed(TopicPartition(topic, partition))
        return offset

    def group_metadata(self) -> object:
        return self._consumer.group_metadata()

    def close(self) -> None:
        self._consumer.close()


class Transactional:
    """A producer inside transactions."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
        self._producer.init_transactions()

    def begin(self) -> None:
        self._producer.begin_transaction()

    def send(self, topic: str, value: bytes) -> None:
        self._producer.send(topic, value).get(20)

    def send_offset(self, consumer: Any, group: str, topic: str, offset: int) -> None:
        offsets = {TopicPartition(topic, 0): OffsetAndMetadata(offset, "", -1)}
        self._producer.send_offsets_to_transaction(offsets, consumer.group_metadata())

    def commit(self) -> None:
        self._producer.commit_transaction()

    def abort(self) -> None:
        self._producer.abort_transaction()

    def close(self) -> None:
        self._producer.close()


class Admin:
    """The admin client."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> None:
        options = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs)}
        with _refusing():
            self._admin.create_topics({name: options})

    def partitions(self, name: str) -> int:
        return len(self._admin.describe_topics([name])[0]["partitions"])

    def config(self, topic: str, name: str) -> str:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self._admin.describe_configs([resource], config_filter="all")
        return str(found["topic"][topic][name]["value"])

    def alter_config(self, topic: str, name: str, value: str) -> None:
        with _refusing():
            found = self._admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})]
            )
        if "InvalidConfig" in str(found):
            raise Refused("INVALID_CONFIG")

    def add_partitions(self, topic: str, total: int) -> None:
        with _refusing():
            self._admin.create_partitions({topic: total})

    def delete_records(self, topic: str, partition: int, before: int) -> int:
        where = TopicPartition(topic, partition)
        return int(self._admin.delete_records({where: before})[where]["low_watermark"])

    def delete_topic(self, topic: str) -> None:
        with _refusing():
            self._admin.delete_topics([topic])

    def groups(self) -> Sequence[str]:
        return [group["group_id"] for group in self._admin.list_groups()]

    def group(self, name: str) -> Group:
        group = self._admin.describe_groups([name])[name]
        members = (
            (member["client_id"], member["client_host"].lstrip("/"), member["group_instance_id"])
            for member in group["members"]
        )
        return Group(group["group_state"], group["protocol_data"], tuple(members))

    def set_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        where = TopicPartition(topic, partition)
        answer = self._admin.alter_group_offsets(group, {where: OffsetAndMetadata(offset, "", -1)})[where]
        if answer.errno:
            raise Refused(answer.message)

    def delete_group(self, group: str) -> None:
        answer = str(self._admin.delete_groups([group]))
        for words, code in (("NonEmpty", "NON_EMPTY_GROUP"), ("NotFound", "GROUP_ID_NOT_FOUND")):
            if words in answer:
                raise Refused(code)

    def close(self) -> None:
        self._admin.close()


class KafkaPython:
    """The library behind `surface.Client`."""

    def produce(
        self,
        bootstrap: str,
        topic: str,
        records: Sequence[Record],
        *,
        acks: str = "all",
        codec: str = "none",
        idempotent: bool = False,
    ) -> Sequence[tuple[int, int]]:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            acks=acks if acks == "all" else int(acks),
            compression_type=None if codec == "none" else codec,
            enable_idempotence=idempotent,
            max_request_size=4_000_000,
            batch_size=500,
        )
        with _refusing():
            sent = [
                producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                )
                for record in records
            ]
            producer.flush(30)
            answers = [each.get(30) for each in sent]
        producer.close()
        return [(answer.partition, answer.offset) for answer in answers]

    def consumer(
        self,
        bootstrap: str,
        *,
        group: str | None = None,
        assignor: str = "range",
        instance: str | None = None,
        committed_only: bool = False,
        consumer_protocol: bool = False,
        client_id: str = "odradek-compat",
    ) -> Reader:
        if consumer_protocol:
            raise ValueError("kafka-python has the classic protocol only")
        return Reader(
            {
                "bootstrap_servers": bootstrap,
                "group_id": group,
                "client_id": client_id,
                "group_instance_id": instance,
                "partition_assignment_strategy": [_ASSIGNORS[assignor]],
                "auto_offset_reset": "earliest",
                "enable_auto_commit": False,
                "isolation_level": "read_committed" if committed_only else "read_uncommitted",
                "session_timeout_ms": 6000,
                "heartbeat_interval_ms": 300,
            }
        )

    def transactional(self, bootstrap: str, transactional_id: str) -> Transactional:
        return Transactional(bootstrap, transactional_id)

    def admin(self, bootstrap: str) -> Admin:
        return Admin(bootstrap)


def _record(each: Any) -> Record:
    headers = tuple((key, value) for key, value in each.headers)
    return Record(each.value, each.key, headers, each.timestamp, each.partition, each.offset)


if __name__ == "__main__":
    program.main(KafkaPython(), feats.ALL)
