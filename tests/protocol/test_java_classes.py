"""Our codecs against Kafka's own message classes, both releases, both directions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.message_codec import Answer, Decoded, MessageCodec, Question
from odradek.errors import MalformedMessage
from odradek.protocol.generated.heartbeat_request import HeartbeatRequest
from odradek.protocol.message import Message as Generated
from protocol_specs.codegen.schema import Message
from tests.protocol.examples import MESSAGES, RandomChoices, canonical, example, generated_class, to_json

pytestmark = pytest.mark.oracle

RELEASES = {"3.9": "3.9.2", "4.3": "4.3.0"}
EXAMPLES = 8
# Where 3.9 and 4.3 give one version two layouts, 4.3's is ours; 3.9 kept all of these unstable.
OTHER_LAYOUT = {("3.9", "ReadShareGroupStateSummaryResponse", 0), ("3.9", "ShareGroupMetadataValue", 0)}
OLD_NAMES = {
    "ListConfigResourcesRequest": "ListClientMetricsResourcesRequest",
    "ListConfigResourcesResponse": "ListClientMetricsResourcesResponse",
    "LegacyOffsetCommitKey": "OffsetCommitKey",
    "LegacyOffsetCommitValue": "OffsetCommitValue",
}
# Same bytes in 3.9, but not the same JSON.
OTHER_JSON = {
    # fields that 4.3 renamed
    "VoteRequest",
    "ListConfigResourcesResponse",
    # tagged fields that 4.3 added to versions of 3.9, which keeps them raw
    "ConsumerGroupCurrentMemberAssignmentValue",
    "ConsumerGroupMetadataValue",
    "ConsumerGroupTargetAssignmentMetadataValue",
    "OffsetCommitValue",
    "RemoteLogSegmentMetadataRecord",
    "RemoteLogSegmentMetadataSnapshotRecord",
    "TransactionLogValue",
}


@pytest.fixture(scope="module")
def java() -> Iterator[MessageCodec]:
    with MessageCodec() as codec:
        yield codec


def java_class(message: Message, release: str) -> str:
    name = OLD_NAMES.get(message.name, message.name) if release == "3.9" else message.name
    return f"{name}Data" if message.kind in ("request", "response") else name


def versions(message: Message, release: str) -> Iterator[tuple[int, int]]:
    """Our version and Kafka's, which is the type of a coordinator's key up to 3.9."""
    if release not in message.releases:
        return
    if release == "3.9" and message.kind == "coordinator-key":
        assert message.api_key is not None
        yield 0, message.api_key
        return
    for version in message.releases[release]:
        if (release, message.name, version) not in OTHER_LAYOUT:
            yield version, version


def cases(release: str, *, unknown_tags: bool) -> Iterator[tuple[Message, int, int, Generated]]:
    """Message, our version, Java's version, value."""
    for message in MESSAGES.values():
        for version, java_version in versions(message, release):
            for seed in range(EXAMPLES):
                choices = RandomChoices(f"{message.name} {version} {seed}")
                yield (
                    message,
                    version,
                    java_version,
                    example(message, version, choices, unknown_tags=unknown_tags),
                )


@pytest.mark.parametrize("release", RELEASES)
def test_kafka_reads_what_we_write_and_writes_the_same_bytes(java: MessageCodec, release: str) -> None:
    found = list(cases(release, unknown_tags=True))
    raw = [value.to_bytes(version) for _, version, _, value in found]
    questions = [
        Question(RELEASES[release], java_class(message, release), java_version, data)
        for (message, _, java_version, _), data in zip(found, raw, strict=True)
    ]
    for (message, version, _, value), data, answer in zip(found, raw, java.ask(questions), strict=True):
        where = f"{message.name} {version}: {value}"
        assert isinstance(answer, Decoded), f"{where}: {answer!r}"
        assert answer.again == data, where
        if not (release == "3.9" and message.name in OTHER_JSON):
            expected = to_json(message, version, value, record_data=False)
            assert canonical(answer.json) == canonical(expected), where


@pytest.mark.parametrize("release", RELEASES)
def test_we_write_the_bytes_that_kafka_writes_for_the_same_values(java: MessageCodec, release: str) -> None:
    found = [
        case
        for case in cases(release, unknown_tags=False)
        if not (release == "3.9" and case[0].name in OTHER_JSON)
    ]
    questions = [
        Question(
            RELEASES[release],
            java_class(message, release),
            java_version,
            to_json(message, version, value, record_data=True),
        )
        for message, version, java_version, value in found
    ]
    for (message, version, _, value), answer in zip(found, java.ask(questions), strict=True):
        where = f"{message.name} {version}: {value}"
        assert isinstance(answer, bytes), f"{where}: {answer!r}"
        assert answer == value.to_bytes(version), where


def mutated(raw: bytes, choices: RandomChoices) -> bytes:
    found = bytearray(raw)
    for _ in range(choices.integer(1, 3) if raw else 0):
        found[choices.integer(0, len(raw) - 1)] = choices.integer(0, 255)
    return bytes(found)


def decoded(message: Message, version: int, raw: bytes) -> Generated | None:
    try:
        return generated_class(message).decode(version, memoryview(raw))
    except MalformedMessage:
        return None


def is_taken(answer: Answer) -> bool:
    """Whether Kafka could read it: bytes left over it ignores, and the order of tags only writing minds."""
    return isinstance(answer, Decoded) or "left over" in str(answer) or "raw tag field list" in str(answer)


def test_mutated_bytes_are_taken_or_refused_and_mean_the_same_as_in_kafka(java: MessageCodec) -> None:
    choices = RandomChoices("mutations")
    found = [
        (message, version, java_version, mutated(value.to_bytes(version), choices))
        for message, version, java_version, value in cases("4.3", unknown_tags=True)
    ]
    questions = [
        Question(RELEASES["4.3"], java_class(message, "4.3"), java_version, raw)
        for message, _, java_version, raw in found
    ]
    for (message, version, _, raw), answer in zip(found, java.ask(questions), strict=True):
        where = f"{message.name} {version} {raw.hex()}"
        value = decoded(message, version, raw)
        assert (value is not None) == is_taken(answer), f"{where}: {answer!r}"
        if value is not None and isinstance(answer, Decoded):
            expected = to_json(message, version, value, record_data=False)
            assert canonical(answer.json) == canonical(expected), where
            assert answer.again == value.to_bytes(version), where


def test_malformed_utf8_reads_as_it_does_in_java(java: MessageCodec) -> None:
    choices = RandomChoices("malformed utf-8")
    odd = "eda080 edbf eda0 edbfbf f09f e282 c0af c1 f5808080 ff f4908080 e08080 f0808080 80 c3 61"
    lead = [bytes.fromhex(word) for word in odd.split()]
    texts = [*lead, *(first + second for first in lead for second in lead)]
    texts += [choices.binary(choices.integer(1, 12)) for _ in range(500)]
    raws = [len(text).to_bytes(2, "big") + text + bytes(6) for text in texts]
    answers = java.ask([Question("3.9.2", "HeartbeatRequestData", 0, raw) for raw in raws])
    for raw, answer in zip(raws, answers, strict=True):
        assert isinstance(answer, Decoded)
        assert HeartbeatRequest.decode(0, memoryview(raw)).group_id == answer.json["groupId"], raw
