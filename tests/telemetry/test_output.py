"""The two forms of a log line."""

import io
import json

from odradek.telemetry.logger import Level
from odradek.telemetry.output import LogOutput


def test_a_stream_that_is_no_terminal_gets_one_json_object_a_line() -> None:
    stream = io.StringIO()
    output = LogOutput(stream)
    output(Level.WARN, "odradek.server", "connection refused", {"host": "/127.0.0.1"})
    output(Level.FATAL, "odradek.log", "disk failed", {})
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "connection refused",
        "level": "warning",
        "logger": "odradek.server",
        "host": "/127.0.0.1",
    }
    assert (second["level"], second["event"]) == ("critical", "disk failed")


def test_a_traceback_is_part_of_the_line() -> None:
    stream = io.StringIO()
    try:
        raise ValueError("what went wrong")
    except ValueError:
        LogOutput(stream)(Level.ERROR, "odradek", "failed", {"exc_info": True})
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: what went wrong" in json.loads(line)["exception"]


def test_the_readable_form_names_event_logger_and_fields() -> None:
    stream = io.StringIO()
    LogOutput(stream, human=True)(Level.INFO, "odradek.server", "listening", {"port": 9092})
    text = stream.getvalue()
    assert "info" in text
    assert "listening" in text
    assert "port=9092" in text
    assert "odradek.server" in text
    assert "\x1b" not in text, "colours are for terminals"


def test_lines_are_held_until_they_are_released_or_an_error_comes() -> None:
    stream = io.StringIO()
    output = LogOutput(stream)
    output.hold()
    output(Level.INFO, "odradek", "first", {})
    output(Level.WARN, "odradek", "second", {})
    assert stream.getvalue() == ""
    output(Level.ERROR, "odradek", "third", {})
    output(Level.INFO, "odradek", "fourth", {})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["first", "second", "third", "fourth"]
    assert lines == sorted(lines, key=lambda line: line["timestamp"])
    output.hold()
    output(Level.INFO, "odradek", "fifth", {})
    output.release()
    assert json.loads(stream.getvalue().splitlines()[-1])["event"] == "fifth"


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    class FullDisk(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    LogOutput(FullDisk())(Level.ERROR, "odradek.log", "disk is full", {})
