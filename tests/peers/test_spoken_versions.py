"""What brokers of an inter.broker.protocol.version say to each other.

`spoken_versions.json`: what two real Kafka 3.9.2 brokers of each said between them, by API, while a proxy of
`compat.cluster` listened; they made and deleted topics, and one stopped and came back.
"""

import json
from pathlib import Path

import pytest

from compat.protocol_facts import protocol_facts
from odradek.config.broker_versions import is_at_least, latest_of
from odradek.peers.spoken_versions import OLDEST, SpokenVersions, spoken_versions

HEARD = json.loads(Path(__file__).with_name("spoken_versions.json").read_text())


@pytest.mark.parametrize("protocol", HEARD)
def test_brokers_speak_as_kafkas_do(protocol):
    spoken = spoken_versions(protocol)
    assert HEARD[protocol]["LEADER_AND_ISR"] == spoken.leader_and_isr
    assert HEARD[protocol]["UPDATE_METADATA"] == spoken.update_metadata
    assert HEARD[protocol]["STOP_REPLICA"] == spoken.stop_replica
    assert HEARD[protocol]["FETCH"] == spoken.fetch


@pytest.mark.oracle
def test_followers_ask_as_kafkas_do():
    facts = {protocol: numbers for protocol, *numbers in protocol_facts("3.9.2")["spoken"]}
    asked = {
        protocol: [str(spoken_versions(protocol).fetch), str(spoken_versions(protocol).list_offsets)]
        for protocol in facts
        if is_at_least(protocol, OLDEST) and not protocol.startswith("4.")
    }
    assert len(asked) > 20
    assert asked == {protocol: facts[protocol] for protocol in asked}


def test_without_a_word_it_is_that_of_the_latest_release():
    assert spoken_versions("3.9") == SpokenVersions()
    assert latest_of("3.9") == "3.9-IV0"
