"""aiokafka: asyncio; one loop on a thread of its own does the work of every feat's thread."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import BrokerResponseError, for_code

from compat.clients.harness.python import feats, program
from compat.clients.harness.python.surface import Group, Record, Refused

_ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}
_KAFKAS_NAMES = {"MESSAGE_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE"}
_loop = asyncio.new_event_loop()


def _wait(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(work, _loop).result()


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except BrokerResponseError as error:
        raise Refused(_KAFKAS_NAMES.get(error.message, error.message)) from error


class Reader:
    """A consumer that never commits by itself."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._consumer: AIOKafkaConsumer = _wait(self._start(options))

    @staticmethod
    async def _start(options: Mapping[str, Any]) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(**options)
        await consumer.start()
        return consumer

    def assign(self, topic: str, offsets: Mapping[int, int]) -> None:
        async def assign() -> None:
            self._consumer.assign([TopicPartition(topic, partition) for partition in offsets])
            for partition, offset in offsets.items():
                self._consumer.seek(TopicPartition(topic, partition), offset)

        _wait(assign())

    def subscribe(self, topic: str) -> None:
        async def subscribe() -> None:
            self._consumer.subscribe([topic])

        _wait(subscribe())

    def poll(self, most: int) -> Sequence[Record]:
        found = _wait(self._consumer.getmany(timeout_ms=100, max_records=most))
        return [_record(each) for records in found.values() for each in records]

    def assignment(self) -> frozenset[int]:
        return frozenset(each.partition for each in self._consumer.assignment())

    def seek(self, topic: str, partition: int, offset: int) -> None:
        async def seek() -> None:
            self._consumer.seek(TopicPartition(topic, partition), offset)

        _wait(seek())

    def pause(self, topic: str, partition: int) -> None:
        async def pause() -> None:
            self._consumer.pause(TopicPartition(topic, partition))

        _wait(pause())

    def resume(self, topic: str, partition: int) -> None:
        async def resume() -> None:
            self._consumer.resume(TopicPartition(topic, partition))

        _wait(resume())

    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int:
        where = TopicPartition(topic, partition)
        return int(_wait(self._consumer.offsets_for_times({where: timestamp}))[where].offset)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        _wait(self._consumer.commit({TopicPartition(topic, partition): offset}))

    def committed(self, topic: str, partition: int) -> int | None:
        offset: int | None = _wait(self._consumer.committed(TopicPartition(topic, partition)))
        return offset

    def close(self) -> None:
        _wait(self._consumer.stop())


class Transactional:
    """A producer inside transactions."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        async def start() -> AIOKafkaProducer:
            producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
            await producer.start()
            return producer

        self._producer = _wait(start())

    def begin(self) -> None:
        _wait(self._producer.begin_transaction())

    def send(self, topic: str, value: bytes) -> None:
        _wait(self._producer.send_and_wait(topic, value))

    def send_offset(self, consumer: Any, group: str, topic: str, offset: int) -> None:
        _wait(self._producer.send_offsets_to_transaction({TopicPartition(topic, 0): offset}, group))

    def commit(self) -> None:
        _wait(self._producer.commit_transaction())

    def abort(self) -> None:
        _wait(self._producer.abort_transaction())

    def close(self) -> None:
        _wait(self._producer.stop())


class Admin:
    """The admin client; most of its answers carry their error codes as they came."""

    def __init__(self, bootstrap: str) -> None:
        async def start() -> AIOKafkaAdminClient:
            admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            await admin.start()
            return admin

        self._bootstrap = bootstrap
        self._admin = _wait(start())

    def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> None:
        topic = NewTopic(name, partitions, 1, topic_configs=dict(configs))
        with _refusing():
            answer = _wait(self._admin.create_topics([topic]))
        _check(answer.topic_errors[0][1])

    def partitions(self, name: str) -> int:
        if name not in _wait(self._admin.list_topics()):
            return 0  # to describe it would make it: its requests for metadata allow that
        return len(_wait(self._admin.describe_topics([name]))[0]["partitions"])

    def config(self, topic: str, name: str) -> str:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = _wait(self._admin.describe_configs([resource]))[0].resources[0][-1]
        return str(next(entry[1] for entry in found if entry[0] == name))

    def alter_config(self, topic: str, name: str, value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})
        _check(_wait(self._admin.alter_configs([resource]))[0].resources[0][0])

    def add_partitions(self, topic: str, total: int) -> None:
        with _refusing():
            _wait(self._admin.create_partitions({topic: NewPartitions(total)}))

    def delete_records(self, topic: str, partition: int, before: int) -> int:
        where = TopicPartition(topic, partition)
        deleted = _wait(self._admin.delete_records({where: RecordsToDelete(before)}))
        return int(deleted[where])

    def delete_topic(self, topic: str) -> None:
        with _refusing():
            answer = _wait(self._admin.delete_topics([topic]))
        _check(answer.topic_error_codes[0][1])

    def groups(self) -> Sequence[str]:
        return [group[0] for group in _wait(self._admin.list_consumer_groups())]

    def group(self, name: str) -> Group:
        found = _wait(self._admin.describe_consumer_groups([name]))[0].groups[0]
        _, _, state, _, protocol, members, *_ = found
        return Group(state, protocol, tuple(_member(member) for member in members))

    def set_offset(self, group: str, topic: str, partition: int, offset: int) -> None:
        consumer = Aiokafka().consumer(self._bootstrap, group=group)
        consumer.assign(topic, {partition: offset})
        consumer.commit(topic, partition, offset)
        consumer.close()

    def delete_group(self, group: str) -> None:
        raise ValueError("aiokafka's admin client deletes no groups")

    def close(self) -> None:
        _wait(self._admin.close())


class Aiokafka:
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
        async def produce() -> Sequence[tuple[int, int]]:
            producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                acks=acks if acks == "all" else int(acks),
                compression_type=None if codec == "none" else codec,
                enable_idempotence=idempotent,
                max_request_size=4_000_000,
                max_batch_size=4_000_000 if len(records) == 1 else 500,
            )
            async with producer:
                sent = [
                    await producer.send(
                        topic,
                        value=record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=record.partition,
                        timestamp_ms=record.timestamp,
                    )
                    for record in records
                ]
                answers = [await each for each in sent]
            return [(a.partition, a.offset) if a is not None else (-1, -1) for a in answers]

        with _refusing():
            answers: Sequence[tuple[int, int]] = _wait(produce())
        return answers

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
            raise ValueError("aiokafka has the classic protocol only")
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


def _check(code: int) -> None:
    if code:
        raise Refused(for_code(code).message)


def _member(member: Sequence[Any]) -> tuple[str, str, str | None]:
    """It asks DescribeGroups in a version that shows no instance ids."""
    _, client_id, host, *_ = member
    return client_id, host.lstrip("/"), ""


def _record(each: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(each.value, each.key, tuple(each.headers), each.timestamp, each.partition, each.offset)


if __name__ == "__main__":
    threading.Thread(target=_loop.run_forever, daemon=True).start()
    program.main(Aiokafka(), feats.ALL)
