"""What the broker tells its operator: log lines, by named loggers whose levels change at run time.

One tree of loggers for the process, as in log4j: modules ask for theirs once, at import.

    _log = get_logger(__name__)
"""

from __future__ import annotations

from odradek.telemetry.logger import ROOT, Level, Logger, Loggers
from odradek.telemetry.output import LogOutput

__all__ = ["ROOT", "Level", "LogOutput", "Logger", "Loggers", "get_logger", "loggers", "output"]

output = LogOutput()
loggers = Loggers(output)


def get_logger(name: str) -> Logger:
    """This process's logger of that name."""
    return loggers.get(name)
