import pytest

from protocol_specs.codegen.__main__ import stale, texts
from protocol_specs.codegen.module import module_text
from protocol_specs.codegen.naming import LocalNames, snake_case
from protocol_specs.codegen.schema import load

DEFINITION = {
    "apiKey": 99,
    "type": "request",
    "name": "ThingRequest",
    "validVersions": "0-2",
    "flexibleVersions": "2+",
    "releases": {"4.3": "0-2"},
    "fields": [
        {"name": "Acks", "type": "int16", "versions": "0+"},
        {"name": "TimeoutMs", "type": "int32", "versions": "0+"},
        {"name": "Names", "type": "[]string", "versions": "0+"},
    ],
}


def test_the_generated_package_is_current():
    assert stale(texts()) == []


@pytest.mark.parametrize(
    ("kafka", "python"),
    [
        ("TimeoutMs", "timeout_ms"),
        ("isKRaftController", "is_kraft_controller"),
        ("TopicId", "topic_id"),
        ("Isr", "isr"),
        ("from", "from_"),
        ("ListClientMetricsResources", "list_client_metrics_resources"),
    ],
)
def test_names(kafka: str, python: str):
    assert snake_case(kafka) == python


def test_local_names_neither_clash_nor_hide_builtins():
    names = LocalNames(frozenset({"n"}))
    assert names.new("topic", "request") == "topic"
    assert names.new("topic", "response") == "response_topic"
    assert names.new("type", "request") == "request_type"
    assert names.new("n", "request") == "request_n"


def test_fixed_fields_and_the_count_behind_them_are_read_at_once():
    text = module_text(load(DEFINITION))
    assert "acks, timeout_ms, n = _unpack_hii(buf, at)" in text
    assert "acks, timeout_ms, n = _unpack_hiB(buf, at)" in text


def test_versions_with_one_layout_share_a_function():
    text = module_text(load(DEFINITION))
    assert text.count("def _decode_v") == 2
    assert "    1: _decode_v0," in text
    assert "    2: _decode_v2," in text


def test_a_generated_module_is_python():
    compile(module_text(load(DEFINITION)), "thing_request.py", "exec")
