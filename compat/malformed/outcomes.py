"""What a broker makes of a frame: it answers with these error codes, it says nothing, it waits, or it closes.

Behind each frame goes a question that has always the same answer. What comes before that answer belongs to
the frame; no answer at all means that the broker has closed the connection, or that it waits.
"""

import socket
import time
from collections import deque
from struct import pack, unpack_from
from typing import Any, Final

from compat.malformed.frames import Frame
from compat.malformed.requests import TOPIC, TOPIC_IDS, TOPICS
from compat.wire import Wire
from odradek.errors import MalformedMessage
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.error_codes import ErrorCode
from odradek.protocol.generated.create_topics_request import CreatableTopic, CreateTopicsRequest
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic
from odradek.protocol.generated.produce_request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from odradek.protocol.headers import decode_response_header
from odradek.protocol.message import Structure
from odradek.protocol.messages import response_class
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.record import Record

CLOSED: Final = "closed"
WAITS: Final = "waits"
SILENT: Final = "no answer"

BROKER: Final = {
    "auto.create.topics.enable": "false",
    "log.retention.ms": "-1",
    "offsets.topic.num.partitions": "2",
    "transaction.state.log.num.partitions": "2",
}
"""How every broker that is attacked is configured."""

_QUESTION_ID: Final = 0x0DD2ADEC
_QUESTION: Final = pack(">ihhih", 10, ApiKey.API_VERSIONS, 0, _QUESTION_ID, -1)
_PATIENCE_S: Final = 2
_POLL_S: Final = 0.1
_TIME_MS: Final = 1_700_000_000_000


class Target:
    """One broker under attack."""

    def __init__(self, bootstrap: str) -> None:
        """Makes the topics that frames speak of."""
        self._bootstrap = bootstrap
        self._topic_ids = _prepare(bootstrap)

    def outcome(self, frame: Frame) -> str:
        """Send a frame on a connection of its own, and say in one line what becomes of it."""
        host, _, port = self._bootstrap.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as connection:
            answers: list[bytes] = []
            try:
                connection.sendall(self._with_topic_ids(frame) + _QUESTION)
                while not (answers and _answers_question(answers[-1])):
                    answers.append(_receive(connection))
                ending = ""
            except TimeoutError:
                ending = WAITS
            except ConnectionError:
                ending = CLOSED
        words = _in_words(frame, answers) + ([ending] if ending else [])
        return ", ".join(words) or SILENT

    def _with_topic_ids(self, frame: Frame) -> bytes:
        """Only where they are read as such: as anything else they would be other bytes with each broker."""
        raw = frame.raw
        if not frame.is_readable:
            return raw
        for name, stand_in in TOPIC_IDS.items():
            raw = raw.replace(stand_in.bytes, self._topic_ids[name])
        return raw


def _prepare(bootstrap: str) -> dict[str, bytes]:
    """Make the topics, put records into the one that is read, and wait until everything works."""
    with Wire(bootstrap) as wire:
        wanted = [CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in TOPICS]
        created = wire.send(CreateTopicsRequest(topics=wanted), version=5)
        refused = {topic.error_code for topic in created.topics} - {0, ErrorCode.TOPIC_ALREADY_EXISTS}
        if refused:
            raise ConnectionError(f"{bootstrap} does not make {', '.join(TOPICS)}: {refused}")
        while wire.send(InitProducerIdRequest(transactional_id=None), version=4).error_code:
            time.sleep(_POLL_S)
        while True:
            question = MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in TOPICS])
            found = wire.send(question, version=12).topics
            if all(topic.error_code == 0 and topic.partitions[0].leader_id >= 0 for topic in found):
                break
            time.sleep(_POLL_S)
        for codec in Compression:
            records = [Record(offset, _TIME_MS, b"key", b"value", ()) for offset in range(3)]
            data = PartitionProduceData(index=0, records=bytes(build_batch(records, compression=codec)))
            topics = [TopicProduceData(name=TOPIC, partition_data=[data])]
            answer = wire.send(ProduceRequest(acks=-1, timeout_ms=10_000, topic_data=topics), version=9)
            if answer.responses[0].partition_responses[0].error_code:
                raise ConnectionError(f"{bootstrap} does not take records")
    return {topic.name: topic.topic_id.bytes for topic in found}


def _answers_question(answer: bytes) -> bool:
    return answer[:4] == pack(">i", _QUESTION_ID)


def _receive(connection: socket.socket) -> bytes:
    return _receive_exactly(connection, int.from_bytes(_receive_exactly(connection, 4), "big"))


def _receive_exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        chunk = connection.recv(min(size - len(received), 1 << 20))
        if not chunk:
            raise ConnectionError
        received += chunk
    return bytes(received)


def _in_words(frame: Frame, answers: list[bytes]) -> list[str]:
    """Each answer by the request that it belongs to; Produce with acks=0 has none."""
    pending = deque(frame.requests())
    words: list[str] = []
    for answer in answers:
        if _answers_question(answer):
            break
        (correlation_id,) = unpack_from(">i", answer)
        while pending and pending[0][2] != correlation_id:
            pending.popleft()
        if not pending:
            return [*words, "an answer to nothing"]
        key, version, _ = pending.popleft()
        words.append(_answer_in_words(key, version, answer))
    return words


def _answer_in_words(key: int, version: int, answer: bytes) -> str:
    name = ApiKey(key).name
    if key == ApiKey.API_VERSIONS and answer[4:6] == pack(">h", ErrorCode.UNSUPPORTED_VERSION):
        version = 0
    try:
        _, at = decode_response_header(memoryview(answer), key, version)
        response = response_class(key).decode(version, memoryview(answer), at)
    except MalformedMessage:
        return f"{name} {version} undecodable"
    codes: set[tuple[str, int]] = set()
    _collect(response, "", codes)
    return " ".join([name, *(f"{path}={_name(code)}" for path, code in sorted(codes))])


def _collect(value: Any, path: str, codes: set[tuple[str, int]]) -> None:
    if isinstance(value, list):
        for each in value:
            _collect(each, path, codes)
    elif isinstance(value, Structure):
        for field in value.__slots__:
            inner = getattr(value, field)
            if field == "error_code":
                codes.add((f"{path}{field}", inner))
            elif field != "tagged":
                _collect(inner, f"{path}{field}.", codes)


def _name(code: int) -> str:
    try:
        return ErrorCode(code).name
    except ValueError:
        return str(code)
