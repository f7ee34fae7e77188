"""One scenario's conversation with one broker, and the transcript that it leaves.

``send`` and ``take`` are written down; the steps that only prepare (``create_topic``, ``join``, ``produce``)
are not, and stop the scenario with ``Unprepared`` when they fail.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from compat.judge.normalisation import EVERY_SCENARIO, Normalisation, sort_rows
from compat.judge.scenario import Scenario
from compat.judge.transcript import Tree, tree
from compat.wire import Request, Wire
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.create_topics_request import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.protocol.generated.delete_topics_request import DeleteTopicsRequest, DeleteTopicState
from odradek.protocol.generated.describe_groups_request import DescribeGroupsRequest
from odradek.protocol.generated.join_group_request import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.protocol.generated.list_offsets_request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.protocol.generated.sync_group_request import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.protocol.releases import api_versions
from odradek.records.builder import build_batch
from odradek.records.record import Record

CLIENT_ID: Final = "judge"
MEMBER_ID_REQUIRED: Final = 79
TIMESTAMP_MS: Final = 1_700_000_000_000
"""When the records of ``produce`` say they were made."""

_PATIENCE_S: Final = 20
_RAW_PATIENCE_S: Final = 5
_LATEST: Final = -1
_RETRIED: Final = frozenset({3, 5, 6, 14, 15, 16, 25, 36, 100})
"""What a step that prepares sees while a topic or the coordinator comes up, or an older topic goes away."""


class Unprepared(Exception):
    """The broker did not do what the scenario needs before it can begin."""


class Broker(Protocol):
    """What a session needs of a broker; ``restart`` only for scenarios that say so."""

    @property
    def bootstrap(self) -> str: ...
    def restart(self) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Member:
    group: str
    id: str
    generation: int
    instance_id: str | None
    protocol: str


@dataclass(slots=True)
class Pending:
    """A request whose answer has not been read yet, on a connection of its own."""

    request: Request
    version: int
    wire: Wire
    correlation_id: int


class Session:
    """What a scenario talks through; ``version`` is the one of its API that is being judged."""

    def __init__(self, scenario: Scenario, release: str, version: int, broker: Broker) -> None:
        self.api = scenario.api
        self.version = version
        self.release = release
        self.transcript: list[Tree] = []
        self._broker = broker
        self._prefix = f"{EVERY_SCENARIO}{scenario.name.replace('.', '-').replace('_', '-')}-v{version}-"
        self._normalisation = Normalisation(self._prefix, int(broker.bootstrap.rpartition(":")[2]))
        self._open = contextlib.ExitStack()
        self._wire: Wire | None = None
        self._preparing: Wire | None = None
        self._names: list[str] = []

    def close(self, *, delete_topics: bool = True) -> None:
        """Close every connection, having deleted the topics."""
        with contextlib.suppress(OSError, Unprepared):
            if self._names and delete_topics:
                gone = [DeleteTopicState(name=name) for name in self._names]
                self._ask(DeleteTopicsRequest(topics=gone, topic_names=self._names, timeout_ms=0))
        self._open.close()

    # What is judged.

    def send(
        self,
        request: Request,
        *,
        version: int | None = None,
        until: Callable[[Any], bool] | None = None,
        unordered: str = "",
    ) -> Any:
        """Send a request and write its answer down; returns it decoded, ``None`` when none came.

        The version is the scenario's for its own API, else the newest that both releases have. ``until``
        repeats the request until the answer satisfies it, and writes only the last one down: for what a
        broker does behind a client's back. ``unordered`` names a list of the answer, or a list in each of its
        rows (``responses.partition_responses``), that Kafka fills in the order of a hash table with random
        ids or with whatever else the broker has: both are written down sorted.
        """
        version = self._version(request) if version is None else version
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            answer, step = self._exchange(request, version, unordered)
            if until is None or answer is None or until(answer) or time.monotonic() > deadline:
                self._write(request, version, step)
                return answer
            time.sleep(0.05)

    def post(
        self, request: Request, *, version: int | None = None, patience_s: float = _PATIENCE_S
    ) -> Pending:
        """Send a request on a connection of its own without waiting for the answer.

        ``patience_s`` is how long ``take`` will wait: short where Kafka is known never to answer.
        """
        version = self._version(request) if version is None else version
        wire = self._connect(patience_s)
        return Pending(request, version, wire, wire.post(request, version=version))

    def take(self, pending: Pending) -> Any:
        """Wait for the answer to a ``post`` and write it down."""
        answer, step = self._await(pending)
        self._write(pending.request, pending.version, step)
        return answer

    def send_only(self, request: Request) -> None:
        """Send a request that is not answered (Produce with acks=0)."""
        self._connection().post(request, version=self._version(request))

    def send_raw(self, payload: bytes, what: str) -> bytes | None:
        """Send a frame as it is; writes down the frame that comes back, or that the connection closes."""
        wire = self._connect(_RAW_PATIENCE_S)
        step: dict[str, Any]
        frame: bytes | None = None
        try:
            wire.send_frame(payload)
            frame = wire.receive_frame()
            step = {"frame": frame.hex()}
        except TimeoutError:
            step = {"event": "silence"}
        except OSError:
            step = {"event": "closed"}
        self.transcript.append({"sent": what, **step})
        return frame

    def note(self, what: str, value: object) -> None:
        """Write down something that the scenario has worked out from several answers."""
        self.transcript.append({"noted": what, "answer": self._normalisation.apply(tree(value))})

    # What only prepares.

    def name(self, suffix: str = "a") -> str:
        """A name for a topic or a group that no other scenario has; the same one in every run."""
        name = self._prefix + suffix
        if name not in self._names:
            self._names.append(name)
        return name

    def create_topic(
        self, suffix: str = "a", *, partitions: int = 1, configs: Mapping[str, str] | None = None
    ) -> Topic:
        """A new topic whose partitions have leaders."""
        name = self.name(suffix)
        settings = [CreatableTopicConfig(name=key, value=value) for key, value in (configs or {}).items()]
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=settings)
        created = self._until(
            lambda: self._ask(CreateTopicsRequest(topics=[topic], timeout_ms=30_000)),
            lambda answer: [each.error_code for each in answer.topics],
        ).topics[0]
        asked = [ListOffsetsPartition(partition_index=p, timestamp=_LATEST) for p in range(partitions)]
        self._until(
            lambda: self._ask(
                ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=name, partitions=asked)])
            ),
            lambda answer: [each.error_code for topic in answer.topics for each in topic.partitions],
        )
        return Topic(name, created.topic_id)

    def produce(
        self, topic: Topic, *values: bytes | None, partition: int = 0, timestamp: int = TIMESTAMP_MS
    ) -> int:
        """Append one batch with a record for each value; returns the offset of the first."""
        batch = build_batch(Record(i, timestamp + i, None, value) for i, value in enumerate(values))
        return self.append(topic, bytes(batch), partition=partition)

    def append(self, topic: Topic, batches: bytes, *, partition: int = 0) -> int:
        """Append prepared batches; returns the offset of the first record."""
        data = PartitionProduceData(index=partition, records=batches)
        topics = [TopicProduceData(name=topic.name, topic_id=topic.id, partition_data=[data])]
        answer = self._until(
            lambda: self._ask(ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=topics)),
            lambda answer: [answer.responses[0].partition_responses[0].error_code],
        )
        offset: int = answer.responses[0].partition_responses[0].base_offset
        return offset

    def join(
        self,
        group: str,
        *,
        instance_id: str | None = None,
        session_timeout_ms: int = 30_000,
        protocols: Sequence[str] = ("range",),
    ) -> Member:
        """The only member of a group whose generation has just begun; not yet synchronised."""
        request = JoinGroupRequest(
            group_id=group,
            session_timeout_ms=session_timeout_ms,
            rebalance_timeout_ms=session_timeout_ms,
            group_instance_id=instance_id,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name=each, metadata=b"meta") for each in protocols],
        )

        def joined() -> Any:
            request.member_id = ""
            answer = self._ask(request)
            if answer.error_code == MEMBER_ID_REQUIRED:
                request.member_id = answer.member_id
                answer = self._ask(request)
            return answer

        answer = self._until(joined, lambda answer: [answer.error_code])
        return Member(group, answer.member_id, answer.generation_id, instance_id, answer.protocol_name)

    def stable_member(self, group: str, *, instance_id: str | None = None, **options: Any) -> Member:
        """The only member of a stable group, assigned ``b"mine"``."""
        member = self.join(group, instance_id=instance_id, **options)
        mine = [SyncGroupRequestAssignment(member_id=member.id, assignment=b"mine")]
        answer = self._ask(
            SyncGroupRequest(
                group_id=group,
                generation_id=member.generation,
                member_id=member.id,
                group_instance_id=instance_id,
                protocol_type="consumer",
                protocol_name=member.protocol,
                assignments=mine,
            )
        )
        if answer.error_code:
            raise Unprepared(f"{group} did not become stable: error {answer.error_code}")
        return member

    def topic_id(self, name: str) -> UUID:
        """The id of a topic that the scenario made by another way than ``create_topic``."""
        topics = [MetadataRequestTopic(name=name)]
        answer = self._ask(MetadataRequest(topics=topics, allow_auto_topic_creation=False))
        found: UUID = answer.topics[0].topic_id
        return found

    def wait(self, seconds: float) -> None:
        """Let the broker's clock run, where what is judged is an interval."""
        time.sleep(seconds)

    def restart_broker(self, *, kill: bool = False) -> None:
        """Stop the broker in order (or ``kill -9``) and start it again on the same files."""
        self._open.close()
        self._wire = self._preparing = None
        if kill:
            self._broker.kill()
        self._broker.restart()
        self._until(
            lambda: self._ask(DescribeGroupsRequest(groups=self._names)),
            lambda answer: [each.error_code for each in answer.groups],
        )
        asked = [MetadataRequestTopic(name=name) for name in self._names]
        self._until(
            lambda: self._ask(MetadataRequest(topics=asked, allow_auto_topic_creation=False)),
            lambda answer: [each.error_code for topic in answer.topics for each in topic.partitions],
        )

    # The wire beneath.

    def _version(self, request: Request) -> int:
        return self.version if self.api == request.API_KEY else newest_common_version(request.API_KEY)

    def _exchange(self, request: Request, version: int, unordered: str) -> tuple[Any, dict[str, Any]]:
        try:
            wire = self._connection()
            pending = Pending(request, version, wire, wire.post(request, version=version))
        except OSError:
            self._wire = None
            return None, {"event": "closed"}
        return self._await(pending, unordered)

    def _await(self, pending: Pending, unordered: str = "") -> tuple[Any, dict[str, Any]]:
        try:
            answer = pending.wire.take(
                pending.request, version=pending.version, correlation_id=pending.correlation_id
            )
        except OSError as gone:
            if pending.wire is self._wire:
                self._wire = None
            return None, {"event": "silence" if isinstance(gone, TimeoutError) else "closed"}
        except MalformedMessage as malformed:
            return None, {"event": f"malformed: {malformed}"}
        said = tree(answer)
        sort_rows(said, unordered)
        return answer, {"answer": self._normalisation.apply(said)}

    def _write(self, request: Request, version: int, step: dict[str, Any]) -> None:
        judged = self.api == request.API_KEY and version == self.version
        name = ApiKey(request.API_KEY).name
        self.transcript.append({"sent": name if judged else f"{name} {version}", **step})

    def _ask(self, request: Request) -> Any:
        if self._preparing is None:
            self._preparing = self._connect()
        return self._preparing.send(request, version=newest_common_version(request.API_KEY))

    def _until(self, ask: Callable[[], Any], errors: Callable[[Any], list[int]]) -> Any:
        for _ in _attempts():
            answer = ask()
            found = {code for code in errors(answer) if code}
            if not found:
                return answer
            if not found <= _RETRIED:
                break
        raise Unprepared(f"{type(answer).__name__} with {found or 'nothing'} instead of success")

    def _connection(self) -> Wire:
        if self._wire is None:
            self._wire = self._connect()
        return self._wire

    def _connect(self, patience_s: float = _PATIENCE_S) -> Wire:
        wire = Wire(self._broker.bootstrap, client_id=CLIENT_ID, timeout_s=patience_s)
        return self._open.enter_context(wire)


def newest_common_version(api_key: int) -> int:
    """The newest version of an API that every judging release has."""
    both = (api_versions(release).get(ApiKey(api_key)) for release in ("3.9", "4.3"))
    return min(offered.highest for offered in both if offered is not None)


def _attempts() -> Iterator[None]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        yield
        time.sleep(0.03)
