"""What a Python client must offer so that the same feats can be asked of each; every client adapts itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The broker answered with an error; `code` is its name in Kafka's protocol, `TOPIC_ALREADY_EXISTS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    """A record to send, or one that came back; `timestamp` is in milliseconds."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    partition: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group as DescribeGroups shows it; members are (client id, host, group instance id).

    The instance id is empty where the client cannot show it.
    """

    state: str
    protocol: str
    members: tuple[tuple[str, str, str | None], ...]


class Consumer(Protocol):
    """Used by the one thread that made it."""

    def assign(self, topic: str, offsets: Mapping[int, int]) -> None: ...
    def subscribe(self, topic: str) -> None: ...
    def poll(self, most: int) -> Sequence[Record]:
        """What has come within a tenth of a second or so, `most` records at most."""
        ...

    def assignment(self) -> frozenset[int]: ...
    def seek(self, topic: str, partition: int, offset: int) -> None: ...
    def pause(self, topic: str, partition: int) -> None: ...
    def resume(self, topic: str, partition: int) -> None: ...
    def offset_for_time(self, topic: str, partition: int, timestamp: int) -> int: ...
    def commit(self, topic: str, partition: int, offset: int) -> None: ...
    def committed(self, topic: str, partition: int) -> int | None: ...
    def close(self) -> None: ...


class Producer(Protocol):
    """A transactional producer inside its transactions."""

    def begin(self) -> None: ...
    def send(self, topic: str, value: bytes) -> None:
        """Send and wait for the acknowledgement."""
        ...

    def send_offset(self, consumer: Consumer, group: str, topic: str, offset: int) -> None:
        """Put the offset of partition 0 into the transaction."""
        ...

    def commit(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


class Admin(Protocol):
    """Raises `Refused` for an error of the broker."""

    def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> None: ...
    def partitions(self, name: str) -> int:
        """How many there are; 0 for an unknown topic."""
        ...

    def config(self, topic: str, name: str) -> str: ...
    def alter_config(self, topic: str, name: str, value: str) -> None: ...
    def add_partitions(self, topic: str, total: int) -> None: ...
    def delete_records(self, topic: str, partition: int, before: int) -> int:
        """Gives the low watermark."""
        ...

    def delete_topic(self, topic: str) -> None: ...
    def groups(self) -> Sequence[str]: ...
    def group(self, name: str) -> Group: ...
    def set_offset(self, group: str, topic: str, partition: int, offset: int) -> None: ...
    def delete_group(self, group: str) -> None: ...
    def close(self) -> None: ...


class Client(Protocol):
    """A client library; the options are Kafka's words, each client puts them into its own."""

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
        """Send all, then wait; the partition and offset that each was acknowledged with."""
        ...

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
    ) -> Consumer: ...

    def transactional(self, bootstrap: str, transactional_id: str) -> Producer: ...
    def admin(self, bootstrap: str) -> Admin: ...
