"""kcat at real Kafka and at Odradek: produce, consume, list, query, group."""

import json
import subprocess
import uuid

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.oracle, pytest.mark.xdist_group("kafka")]

DEADLINE_S = 180


def kcat(bootstrap: str, *arguments: str, stdin: str = "") -> str:
    """Run kcat to its end; fails with what it says on standard error."""
    done = subprocess.run(
        ["kcat", "-b", bootstrap, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def topic(either: str) -> str:
    """A topic that kcat itself brought into being, with one record in it."""
    name = f"kcat-{uuid.uuid4()}"
    kcat(either, "-P", "-t", name, "-p", "0", stdin="first\n")
    return name


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_lines_go_in_and_come_out(either: str, topic: str, codec: str) -> None:
    lines = "".join(f"key{n}\tline {n} äöü €\n" for n in range(200))
    kcat(either, "-P", "-t", topic, "-K", "\t", "-z", codec, "-H", "from=kcat", stdin=lines)
    out = kcat(either, "-C", "-t", topic, "-o", "1", "-e", "-q", "-f", r"%k\t%s\n")
    assert out == lines
    assert kcat(either, "-C", "-t", topic, "-c", "1", "-o", "5", "-q", "-f", "%p %o %h") == "0 5 from=kcat"


def test_records_are_shown_as_json(either: str, topic: str) -> None:
    record = json.loads(kcat(either, "-C", "-t", topic, "-c", "1", "-J"))
    assert (record["topic"], record["partition"], record["offset"]) == (topic, 0, 0)
    assert (record["tstype"], record["broker"], record["payload"]) == ("create", 0, "first")


def test_offsets_select_what_is_read(either: str, topic: str) -> None:
    kcat(either, "-P", "-t", topic, stdin="second\nthird\n")
    for offset, expected in (
        ("beginning", "first\nsecond\nthird\n"),
        ("end", ""),
        ("-1", "third\n"),
        ("1", "second\nthird\n"),
        ("s@0", "first\nsecond\nthird\n"),
        ("s@99999999999999", ""),
    ):
        assert kcat(either, "-C", "-t", topic, "-o", offset, "-e", "-q", "-p", "0") == expected


def test_offsets_are_queried_by_time(either: str, topic: str) -> None:
    assert kcat(either, "-Q", "-t", f"{topic}:0:-1") == f"{topic} [0] offset 1\n"
    assert kcat(either, "-Q", "-t", f"{topic}:0:-2") == f"{topic} [0] offset 0\n"
    assert kcat(either, "-Q", "-t", f"{topic}:0:0") == f"{topic} [0] offset 0\n"


def test_metadata_is_listed(either: str, topic: str) -> None:
    metadata = json.loads(kcat(either, "-L", "-t", topic, "-J"))
    assert metadata["brokers"] == [{"id": 0, "name": either}]
    assert metadata["controllerid"] == 0
    assert metadata["topics"] == [
        {
            "topic": topic,
            "partitions": [{"partition": 0, "leader": 0, "replicas": [{"id": 0}], "isrs": [{"id": 0}]}],
        }
    ]


def test_a_balanced_consumer_commits_what_it_read(either: str, topic: str) -> None:
    group = ("-G", topic, "-X", "auto.offset.reset=earliest", "-q", "-e")
    assert kcat(either, *group, topic) == "first\n"
    kcat(either, "-P", "-t", topic, stdin="second\n")
    assert kcat(either, *group, topic) == "second\n"


def test_a_large_message_goes_through_when_the_topic_allows_it(either: str, topic: str) -> None:
    line = "x" * 900_000
    kcat(either, "-P", "-t", topic, stdin=line)
    assert kcat(either, "-C", "-t", topic, "-o", "1", "-c", "1", "-q") == line + "\n"
