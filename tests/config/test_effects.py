import ast
from pathlib import Path

import odradek
from odradek.config.broker_config import BrokerConfig
from odradek.config.definitions import broker_definitions, own_definitions
from odradek.config.effects import _HEEDED_BY_NAME, _HEEDED_TOPIC_CONFIGS, HEEDED, has_effect
from odradek.config.log_config import LogConfig
from odradek.config.release import RELEASES

SOURCE = Path(odradek.__file__).parent

NOT_ASKED_FOR = {"port", "compression.type", "broker.id", "node.id", "listeners"}
"""Names that are quoted for another reason: a znode's field, a topic's config, meta.properties."""


def other_modules() -> list[ast.AST]:
    own = ("config/", "protocol/generated/")
    paths = [path for path in SOURCE.rglob("*.py") if not str(path.relative_to(SOURCE)).startswith(own)]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]


def test_every_name_the_source_asks_for_is_heeded_and_every_heeded_name_is_asked_for():
    known = {name for release in RELEASES for name in broker_definitions(release)} | set(own_definitions())
    texts = {
        node.value
        for node in other_modules()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert (texts & known) - NOT_ASKED_FOR <= HEEDED
    assert set(_HEEDED_BY_NAME) <= texts


def test_every_heeded_topic_config_is_a_field_that_is_read():
    fields = {node.attr for node in other_modules() if isinstance(node, ast.Attribute)}
    derived = {"cleanup_policy", "max_compaction_lag_ms", "message_timestamp_difference_max_ms"}
    for name in _HEEDED_TOPIC_CONFIGS:
        field = name.replace(".", "_")
        assert field in LogConfig.__annotations__
        assert field in fields | derived


def test_the_operator_learns_what_was_ignored():
    config = BrokerConfig({"num.partitions": "2", "num.io.threads": "4", "log.retention.hours": "1"})
    assert config.without_effect == ("log.retention.hours", "num.io.threads")
    assert has_effect("num.partitions")


def test_of_a_listeners_own_configs_its_limits_have_an_effect():
    assert has_effect("listener.name.plaintext.max.connections")
    assert not has_effect("listener.name.plaintext.num.network.threads")
