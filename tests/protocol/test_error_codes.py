import pytest

from compat.protocol_facts import protocol_facts
from odradek.protocol.error_codes import ErrorCode


def test_a_code_is_its_number():
    assert int(ErrorCode.NOT_COORDINATOR) == 16
    assert ErrorCode(16) is ErrorCode.NOT_COORDINATOR


def test_a_code_knows_what_clients_are_told():
    assert ErrorCode.INVALID_REPLICATION_FACTOR.message == (
        "Replication factor is below 1 or larger than the number of available brokers."
    )
    assert not ErrorCode.INVALID_REPLICATION_FACTOR.retriable
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER.retriable


@pytest.mark.oracle
@pytest.mark.parametrize("release", ["3.9.2", "4.3.0"])
def test_the_codes_are_those_of_kafka(release: str):
    facts = protocol_facts(release)["error"]
    theirs = {(int(code), name, retriable == "true") for code, name, retriable, _ in facts}
    ours = {(code.value, code.name, code.retriable) for code in ErrorCode}
    assert ours == theirs if release == "4.3.0" else ours > theirs


@pytest.mark.oracle
def test_messages_are_those_of_the_release_that_we_are_by_default():
    newest = {int(code): message for code, _, _, message in protocol_facts("4.3.0")["error"]}
    default = {int(code): message for code, _, _, message in protocol_facts("3.9.2")["error"]}
    assert {code.value: code.message for code in ErrorCode} == newest | default
