import pytest

from odradek.config.alteration import Change, Operation, alter
from odradek.config.definitions import topic_definitions
from odradek.config.release import DEFAULT_RELEASE
from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode

SET, DELETE, APPEND, SUBTRACT = Operation


def refuse(operation: Operation, name: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_CONFIG, f"{operation.name} {name}")


def altered(current: dict[str, str], *changes: tuple[str, int, str | None]) -> dict[str, str]:
    return alter(current, (Change(*each) for each in changes), topic_definitions(DEFAULT_RELEASE), refuse)


def test_setting_and_deleting():
    assert altered({"a": "1", "b": "2"}, ("a", SET, "3"), ("b", DELETE, None), ("c", DELETE, None)) == {
        "a": "3"
    }


def test_appending_begins_with_the_default_and_takes_nothing_twice():
    assert altered({}, ("cleanup.policy", APPEND, "compact")) == {"cleanup.policy": "delete,compact"}
    assert altered({}, ("cleanup.policy", APPEND, "delete")) == {"cleanup.policy": "delete"}
    assert altered({"cleanup.policy": ""}, ("cleanup.policy", APPEND, "delete")) == {
        "cleanup.policy": "delete"
    }


def test_subtracting_may_leave_nothing():
    assert altered({}, ("cleanup.policy", SUBTRACT, "delete,compact")) == {"cleanup.policy": ""}
    assert altered({"cleanup.policy": "a,b"}, ("cleanup.policy", SUBTRACT, "a")) == {"cleanup.policy": "b"}


@pytest.mark.parametrize("name", ["retention.ms", "unknown"])
@pytest.mark.parametrize("operation", [APPEND, SUBTRACT])
def test_list_operations_on_anything_else_are_refused(name, operation):
    with pytest.raises(KafkaError, match=f"{operation.name} {name}"):
        altered({}, (name, operation, "1"))


@pytest.mark.parametrize("operation", [-1, 4])
def test_an_unknown_operation_is_an_unknown_server_error_as_in_kafka(operation):
    with pytest.raises(KafkaError) as refused:
        altered({}, ("retention.ms", operation, "1"))
    assert refused.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_what_is_set_now_stays_as_it_is():
    current = {"a": "1"}
    altered(current, ("a", SET, "2"))
    assert current == {"a": "1"}
