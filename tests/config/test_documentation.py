import pytest

from odradek.config.definitions import (
    broker_definitions,
    broker_quota_definitions,
    client_metrics_definitions,
    group_definitions,
    own_definitions,
    topic_definitions,
)
from odradek.config.documentation import documentation
from odradek.config.documentation_texts import TEXTS
from odradek.config.release import RELEASES


@pytest.mark.parametrize("release", RELEASES, ids=str)
@pytest.mark.parametrize(
    ("scope", "definitions"),
    [
        ("BROKER", broker_definitions),
        ("BROKER", broker_quota_definitions),
        ("TOPIC", topic_definitions),
        ("GROUP", group_definitions),
        ("CLIENT_METRICS", client_metrics_definitions),
    ],
)
def test_every_config_that_is_described_has_a_sentence(release, scope, definitions):
    names = [name for name, definition in definitions(release).items() if not definition.internal]
    assert [name for name in names if documentation(scope, name) is None] == []


def test_odradeks_own_configs_have_one_too():
    assert all(documentation("BROKER", name) for name in own_definitions())


def test_sentences_end_and_belong_to_a_config():
    known = {name for release in RELEASES for name in broker_definitions(release)}
    known |= {name for release in RELEASES for name in broker_quota_definitions(release)} | set(
        own_definitions()
    )
    assert set(TEXTS["BROKER"]) <= known
    assert all(text.endswith(".") for texts in TEXTS.values() for text in texts.values())


def test_a_default_of_topics_says_so_in_its_unit():
    assert documentation("BROKER", "log.roll.hours") == (
        "Default of the topic config segment.ms in hours: "
        "Age in milliseconds at which a log rolls to a new segment even if it is not full."
    )
    assert documentation("BROKER", "nobody.knows") is None
