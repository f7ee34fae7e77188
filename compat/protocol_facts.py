"""What a Kafka release says of its own protocol: error codes, API keys, header versions, offered ranges, and
what its followers ask in."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from compat.oracle.java import Jvm, LogTo, compiled, java_command
from compat.oracle.releases import classpath

_SOURCE = Path(__file__).parent / "java" / "ProtocolFacts.java"
_TIMEOUT_S = 60


@cache
def protocol_facts(release: str) -> dict[str, list[tuple[str, ...]]]:
    """Every fact that `ProtocolFacts.java` prints about a release, by kind. Starts a JVM once a release."""
    command = java_command(
        release,
        "ProtocolFacts",
        jvm=Jvm.TOOL,
        log_to=LogTo.ERRORS,
        path=f"{compiled(_SOURCE, release)}:{classpath(release)}",
    )
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    facts: dict[str, list[tuple[str, ...]]] = {}
    for line in done.stdout.splitlines():
        kind, *parts = line.split("\t")
        facts.setdefault(kind, []).append(tuple(parts))
    return facts
