"""Levels: inherited, set and taken away, and what is written at each."""

from collections.abc import Mapping
from typing import Any

from odradek.telemetry.logger import Level, Loggers


class Lines:
    def __init__(self) -> None:
        self.lines: list[tuple[Level, str, str, dict[str, Any]]] = []

    def __call__(self, level: Level, name: str, event: str, fields: Mapping[str, Any]) -> None:
        self.lines.append((level, name, event, dict(fields)))


def test_a_logger_writes_its_level_and_above() -> None:
    lines = Lines()
    logger = Loggers(lines).get("odradek.server")
    logger.debug("unseen")
    logger.info("seen", port=9092)
    logger.error("seen too")
    assert lines.lines == [
        (Level.INFO, "odradek.server", "seen", {"port": 9092}),
        (Level.ERROR, "odradek.server", "seen too", {}),
    ]


def test_exception_asks_for_the_traceback() -> None:
    lines = Lines()
    Loggers(lines).get("odradek").exception("failed", api="Fetch")
    assert lines.lines == [(Level.ERROR, "odradek", "failed", {"api": "Fetch", "exc_info": True})]


def test_a_level_holds_for_everything_below_it() -> None:
    loggers = Loggers(Lines())
    names = ["odradek.server", "odradek.server.connection", "odradek.servers", "odradek.log"]
    for name in names:
        loggers.get(name)
    assert loggers.set_level("odradek.server", Level.DEBUG)
    assert [loggers.get(name).threshold for name in names] == [
        Level.DEBUG,
        Level.DEBUG,
        Level.INFO,
        Level.INFO,
    ]
    assert loggers.get("odradek.server.listener").threshold is Level.DEBUG, "made after the level was set"
    assert loggers.set_level("odradek.server", None)
    assert loggers.get("odradek.server.connection").threshold is Level.INFO


def test_the_root_is_everyones_ancestor_and_keeps_a_level() -> None:
    loggers = Loggers(Lines())
    loggers.get("odradek.log")
    loggers.set_level("root", Level.OFF)
    loggers.set_level("root", None)
    assert loggers.levels() == {"odradek.log": Level.OFF, "root": Level.OFF}


def test_a_level_is_set_on_existing_loggers_only() -> None:
    loggers = Loggers(Lines())
    assert not loggers.set_level("odradek.nowhere", Level.DEBUG)
    assert not loggers.exists("odradek.nowhere")
