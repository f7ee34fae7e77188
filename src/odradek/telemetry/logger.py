"""Named loggers whose levels can change while the broker runs (Kafka's BROKER_LOGGER resources).

Names are dotted paths of the package (`odradek.server.connection`) below one root, and a logger without
a level of its own has its nearest ancestor's, as in log4j. What a line looks like is the output's
business (`odradek.telemetry.output`), which is loaded with the first line that is written: structlog
costs more to import than the rest of a starting broker takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

ROOT = "root"


class Level(IntEnum):
    """log4j's levels. A logger at a level writes lines of that level and above."""

    TRACE = 5
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50
    OFF = 60


Output = Callable[[Level, str, str, Mapping[str, Any]], None]
"""Takes one line: its level, the logger's name, the event, the fields (`exc_info` among them)."""


class Logger:
    """One named logger. `event` is a short constant sentence; what varies goes into fields."""

    __slots__ = ("_loggers", "level", "name", "threshold")

    def __init__(self, loggers: Loggers, name: str) -> None:
        self._loggers = loggers
        self.name = name
        self.level: Level | None = None
        self.threshold = Level.INFO

    def debug(self, event: str, **fields: Any) -> None:
        if self.threshold <= Level.DEBUG:
            self._loggers.output(Level.DEBUG, self.name, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        if self.threshold <= Level.INFO:
            self._loggers.output(Level.INFO, self.name, event, fields)

    def warn(self, event: str, **fields: Any) -> None:
        if self.threshold <= Level.WARN:
            self._loggers.output(Level.WARN, self.name, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        if self.threshold <= Level.ERROR:
            self._loggers.output(Level.ERROR, self.name, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """An error, with the traceback of the exception being handled."""
        if self.threshold <= Level.ERROR:
            self._loggers.output(Level.ERROR, self.name, event, {**fields, "exc_info": True})


class Loggers:
    """Every logger of this process, by name, and the levels set on them."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._root = Logger(self, ROOT)
        self._root.level = Level.INFO
        self._by_name: dict[str, Logger] = {ROOT: self._root}

    def get(self, name: str) -> Logger:
        """The logger of that name, made when it is first asked for."""
        logger = self._by_name.get(name)
        if logger is None:
            logger = self._by_name[name] = Logger(self, name)
            logger.threshold = self._resolve(name)
        return logger

    def exists(self, name: str) -> bool:
        return name in self._by_name

    def levels(self) -> dict[str, Level]:
        """Each logger's level in effect, the root's included."""
        return {name: logger.threshold for name, logger in sorted(self._by_name.items())}

    def set_level(self, name: str, level: Level | None) -> bool:
        """Set an existing logger's level; None takes its own away. False if there is no such logger.

        The root keeps a level always: taking it away leaves it as it is.
        """
        logger = self._by_name.get(name)
        if logger is None:
            return False
        if level is not None or logger is not self._root:
            logger.level = level
        for each in self._by_name.values():
            each.threshold = self._resolve(each.name)
        return True

    def _resolve(self, name: str) -> Level:
        while name:
            logger = self._by_name.get(name)
            if logger is not None and logger.level is not None:
                return logger.level
            name = name.rpartition(".")[0]
        assert self._root.level is not None
        return self._root.level
