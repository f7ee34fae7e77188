"""Where log lines go: standard error, readable on a terminal and one JSON object a line otherwise.

structlog renders; this module chooses the renderer, and imports structlog with the first line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from odradek.telemetry.logger import Level

_METHODS = {
    Level.TRACE: "debug",
    Level.DEBUG: "debug",
    Level.INFO: "info",
    Level.WARN: "warning",
    Level.ERROR: "error",
    Level.FATAL: "critical",
}
"""structlog's method for each level: the method's name is what the line shows as its level."""


class LogOutput:
    """Writes log lines to a text stream; standard error if None.

    `human` chooses the readable form, False JSON; None means readable exactly if the stream is a terminal.
    """

    def __init__(self, stream: TextIO | None = None, *, human: bool | None = None) -> None:
        self._stream = stream
        self._human = human
        self._structlog: Any = None
        self._bound_to: TextIO | None = None
        self._held: list[tuple[float, Level, str, str, Mapping[str, Any]]] | None = None

    def __call__(self, level: Level, name: str, event: str, fields: Mapping[str, Any]) -> None:
        now = time.time()
        if self._held is not None:
            if level < Level.ERROR:
                self._held.append((now, level, name, event, fields))
                return
            self.release()
        self._write(now, level, name, event, fields)

    def hold(self) -> None:
        """Keep lines until `release` or the first error, whichever comes first.

        For a start that is to be quick: structlog takes a third of one to import.
        """
        self._held = self._held or []

    def release(self) -> None:
        """Write the lines that were kept, with the time when they were said, and keep no more."""
        held, self._held = self._held or [], None
        for line in held:
            self._write(*line)

    def _write(self, now: float, level: Level, name: str, event: str, fields: Mapping[str, Any]) -> None:
        # Standard error may be exchanged while the process runs; tests do so for each test.
        stream = self._stream if self._stream is not None else sys.stderr
        if stream is not self._bound_to:
            self._structlog, self._bound_to = self._bind(stream), stream
        # A line that cannot be written is lost, and nothing else: whoever said it may be telling of a full
        # disk, and has to go on.
        with suppress(OSError):
            getattr(self._structlog, _METHODS[level])(event, logger=name, timestamp=now, **fields)

    def _bind(self, stream: TextIO) -> Any:
        import structlog
        from structlog.dev import ConsoleRenderer, plain_traceback

        human = self._human if self._human is not None else stream.isatty()
        processors: list[Any] = [structlog.processors.add_log_level]
        if human:
            processors.append(_with_local_time)
            processors.append(ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain_traceback))
        else:
            processors.append(_with_utc)
            processors.append(structlog.processors.format_exc_info)
            processors.append(structlog.processors.JSONRenderer())
        # The levels are the loggers' affair: structlog lets everything through.
        everything = structlog.make_filtering_bound_logger(0)
        return structlog.wrap_logger(structlog.PrintLogger(stream), processors, wrapper_class=everything)


def _with_utc(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(line["timestamp"], UTC)
    line["timestamp"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return line


def _with_local_time(_: object, __: str, line: dict[str, Any]) -> dict[str, Any]:
    line["timestamp"] = datetime.fromtimestamp(line["timestamp"]).isoformat(" ", timespec="milliseconds")
    return line
