"""Doomed files: what was deleted from a log, is renamed already, and goes once file.delete.delay.ms is over.

Until then whoever reads it by name, a backup or a follower's fetch that is under way, need not hurry.
Kafka: LogManager.deleteLogs, LocalLog.deleteSegmentFiles.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from odradek.telemetry import get_logger

_log = get_logger(__name__)


class Doomed(NamedTuple):
    """A renamed file, or a partition's directory, and when it is to be removed.

    On the monotonic clock: a wall clock that is set back an hour must not keep a disk full for that hour.
    """

    due_s: float
    path: str


def take_due(doomed: deque[Doomed], now_s: float) -> list[str]:
    """Takes out, oldest first, what is to be removed by now; the paths."""
    paths = []
    while doomed and doomed[0].due_s <= now_s:
        paths.append(doomed.popleft().path)
    return paths


def remove(paths: Sequence[str]) -> None:
    """Removes files and directories; blocks. What cannot be removed is logged; the next start tries again."""
    for path in paths:
        try:
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warn("file is not removed", path=path, error=str(error))
