"""Where log lines go: standard error, readable on a terminal and one JSON object a line otherwise.

structlog renders; this module chooses the renderer, and imports structlog with the first line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
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

    def __call__(self, level: Level, name: str, event: str, fields: Mapping[str, Any]) -> None:
        # Standard error may be exchanged while the process runs; tests do so for each test.
        stream = self._stream if self._stream is not None else sys.stderr
        if stream is not self._bound_to:
            self._structlog, self._bound_to = self._bind(stream), stream
        getattr(self._structlog, _METHODS[level])(event, logger=name, **fields)

    def _bind(self, stream: TextIO) -> Any:
        import structlog
        from structlog.dev import ConsoleRenderer, plain_traceback

        human = self._human if self._human is not None else stream.isatty()
        processors: list[Any] = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=not human),
        ]
        if human:
            processors.append(ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain_traceback))
        else:
            processors.append(structlog.processors.format_exc_info)
            processors.append(structlog.processors.JSONRenderer())
        # The levels are the loggers' affair: structlog lets everything through.
        everything = structlog.make_filtering_bound_logger(0)
        return structlog.wrap_logger(structlog.PrintLogger(stream), processors, wrapper_class=everything)
