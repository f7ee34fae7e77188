"""confluent-kafka: librdkafka under Python."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Message, TopicPartition
from confluent_kafka import Producer as RdProducer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from compat.clients.harness.python import feats, program
from compat.clients.harness.python.surface import Group, Record, Refused

_CODES = {
    "TOPIC_ALREADY_EXISTS": 36,
    "INVALID_PARTITIONS": 37,
    "INVALID_CONFIG": 40,
    "UNKNOWN_TOPIC_OR_PARTITION": 3,
    "NON_EMPTY_GROUP": 68,
    "GROUP_ID_NOT_FOUND": 69,
    "MESSAGE_TOO_LARGE": 10,
}
_NAMES = {code: name for name, code in _CODES.items()}


class Reader:
    """A consumer that never commits by itself."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._consumer = Consumer(dict(options))

    def assign(self, topic: str, offsets: Mapping[int, int]) -> None:
        self._consumer.assign([TopicPartition(topic, *each) for each in offsets.items()])

    def subscribe(self, topic: str) -> None:
        self._consumer.subscribe([topic])

    def poll(self, most: int) -> Sequence[Record]:
        return [_record(message) for message in self._consumer.consume(most, timeout=0.1)]

    def assignment(self) -> frozenset[int]:
        return frozenset(each.partition for each in self._consumer.assignment())

    def seek(self, topic: str, partition: int, offset: int) -> None:
        self._consumer.seek(TopicPartition(topic, partition, offset))

    def pause(self, topic: str, partition: int) -> None:
        self._consumer.pause([TopicPartition(topic, partition)])

    def resume(self, topic: str, partition: int) -> None:
        self._consumer.resume([TopicPartition(topic, partition)])

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int:
        found = self._consumer.offsets_for_times([TopicPartition(topic, partition, timestamp)], timeout=10)
        return int(found[0].offset)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        self._consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)

    def committed(self, topic: str, partition: int) -> int | None:
        offset = self._consumer.committed([TopicPartition(topic, partition)], timeout=10)[0].offset
        return offset if offset >= 0 else None

    def group_metadata(self) -> object:
        return self._consumer.consumer_group_metadata()

    def close(self) -> None:
        self._consumer.close()


class Transactional:
    """A producer inside transactions."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        self._producer = RdProducer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id})
        self._producer.init_transactions(20)

    def begin(self) -> None:
        self._producer.begin_transaction()

    def send(self, topic: str, value: bytes) -> None:
        self._producer.produce(topic, value)
        self._producer.flush(20)

    def send_offset(self, consumer: Any, group: str, topic: str, offset: int) -> None:
        offsets = [TopicPartition(topic, 0, offset)]
        self._producer.send_offsets_to_transaction(offsets, consumer.group_metadata(), 20)

    def commit(self) -> None:
        self._producer.commit_transaction(20)

    def abort(self) -> None:
        self._producer.abort_transaction(20)

    def close(self) -> None:
        self._producer.flush(20)


class Admin:
    """The admin client; its futures are waited for."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> None:
        _one(self._admin.create_topics([NewTopic(name, partitions, 1, config=dict(configs))]))

    def partitions(self, name: str) -> int:
        # Asked for by its name, the broker would create it; of all there are, it is absent or there.
        topic = self._admin.list_topics(timeout=10).topics.get(name)
        return 0 if topic is None or topic.error else len(topic.partitions)

    def config(self, topic: str, name: str) -> str:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        return str(_one(self._admin.describe_configs([resource]))[name].value)

    def alter_config(self, topic: str, name: str, value: str) -> None:
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        _one(self._admin.incremental_alter_configs([resource]))

    def add_partitions(self, topic: str, total: int) -> None:
        _one(self._admin.create_partitions([NewPartitions(topic, total)]))

    def delete_records(self, topic: str, partition: int, before: int) -> int:
        return int(_one(self._admin.delete_records([TopicPartition(topic, partition, before)])).low_watermark)

    def delete_topic(self, topic: str) -> None:
        _one(self._admin.delete_topics([topic]))

    def groups(self) -> Sequence[str]:
        return [group.group_id for group in self._admin.list_consumer_groups().result().valid]

    def group(self, name: str) -> Group:
        group = _one(self._admin.describe_consumer_groups([name]))
        members = ((m.client_id, m.host.lstrip("/"), m.group_instance_id) for m in group.members)
        return Group(group.state.name, group.partition_assignor, tuple(members))

    def set_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        offsets = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])
        _one(self._admin.alter_consumer_group_offsets([offsets]))

    def delete_group(self, group: str) -> None:
        _one(self._admin.delete_consumer_groups([group]))

    def close(self) -> None:
        pass


class Confluent:
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
        producer = RdProducer(
            {
                "bootstrap.servers": bootstrap,
                "acks": acks,
                "compression.type": codec,
                "enable.idempotence": idempotent,
                "message.max.bytes": 4_000_000,
                "linger.ms": 20,
                "batch.num.messages": 20,
            }
        )
        answers: dict[int, tuple[int, int]] = {}
        failures: list[int] = []

        def delivered(number: int, error: Any, message: Message) -> None:
            if error is not None:
                failures.append(error.code())
            else:
                answers[number] = (message.partition() or 0, message.offset() or 0)

        for number, record in enumerate(records):
            placed: dict[str, Any] = {"partition": record.partition, "timestamp": record.timestamp}
            placed = {name: value for name, value in placed.items() if value is not None}
            producer.produce(
                topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                on_delivery=functools.partial(delivered, number),
                **placed,
            )
        producer.flush(30)
        if failures:
            raise Refused(_NAMES.get(failures[0], str(failures[0])))
        return [answers[number] for number in range(len(records))]

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
        options: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": group or "nobody",
            "client.id": client_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
        }
        if consumer_protocol:
            options["group.protocol"] = "consumer"
        else:
            options |= {
                "partition.assignment.strategy": assignor,
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 300,
            }
        if instance is not None:
            options["group.instance.id"] = instance
        return Reader(options)

    def transactional(self, bootstrap: str, transactional_id: str) -> Transactional:
        return Transactional(bootstrap, transactional_id)

    def admin(self, bootstrap: str) -> Admin:
        return Admin(bootstrap)


def _record(message: Message) -> Record:
    if message.error() is not None:
        raise KafkaException(message.error())
    headers: Any = message.headers() or ()
    return Record(
        value=message.value(),
        key=message.key(),
        headers=tuple(headers),
        timestamp=message.timestamp()[1],
        partition=message.partition(),
        offset=message.offset(),
    )


def _one(futures: Mapping[Any, Any]) -> Any:
    """The only future's result."""
    try:
        return next(iter(futures.values())).result(30)
    except KafkaException as error:
        code = error.args[0].code()
        if code in _NAMES:
            raise Refused(_NAMES[code]) from error
        raise


if __name__ == "__main__":
    program.main(Confluent(), feats.ALL)
