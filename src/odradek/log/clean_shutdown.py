""".kafka_cleanshutdown: the marker that all logs of a directory were flushed and closed before the end.

    {"version":0,"brokerEpoch":25}

Only its presence decides whether logs are recovered; it is removed before they are loaded, so that a crash in
between counts as one. The epoch (KIP-966) is -1 where there was none, and a marker older than 3.7 is empty.
Kafka: CleanShutdownFileHandler.
"""

from __future__ import annotations

import os

FILE_NAME = ".kafka_cleanshutdown"


def write_marker(log_dir: str, broker_epoch: int) -> None:
    """Raises OSError."""
    with open(os.path.join(log_dir, FILE_NAME), "w", encoding="utf-8") as file:
        file.write(f'{{"version":0,"brokerEpoch":{broker_epoch}}}')
        file.flush()
        os.fsync(file.fileno())


def take_marker(log_dir: str) -> bool:
    """Removes the marker; whether there was one. Raises OSError."""
    try:
        os.unlink(os.path.join(log_dir, FILE_NAME))
    except FileNotFoundError:
        return False
    return True
