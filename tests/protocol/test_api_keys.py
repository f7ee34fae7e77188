import pytest

from compat.protocol_facts import protocol_facts
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.index import APIS


def test_every_api_has_its_messages():
    assert set(APIS) == set(ApiKey)


@pytest.mark.oracle
def test_the_keys_and_names_are_those_of_kafka():
    older = {int(key): name for key, name in protocol_facts("3.9.2")["api"]}
    newer = {int(key): name for key, name in protocol_facts("4.3.0")["api"]}
    assert {key.value: key.name for key in ApiKey} == older | newer
