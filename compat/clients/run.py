"""One client's program against one broker: started, read line by line, ended by a deadline."""

import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from compat.clients.feats import Feat
from compat.clients.preparation import Prepared
from compat.clients.results import Result
from compat.oracle.processes import ChildProcess

CLIENT_TIMEOUT_S: Final = 240
"""A hanging client must not stop the others; programs end each feat by a deadline of their own."""
_SAID_CHARACTERS: Final = 400


def run(
    prepared: Prepared,
    broker: str,
    bootstrap: str,
    feats: Iterable[Feat],
    *,
    timeout_s: float = CLIENT_TIMEOUT_S,
) -> list[Result]:
    """A result for each of `feats`; one that the program does not report has failed."""
    asked = tuple(feats)
    if not asked:
        return []
    prefix = f"{prepared.client.name}-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="odradek-client-") as scratch:
        output, log = Path(scratch) / "output", Path(scratch) / "log"
        process = ChildProcess(
            [*prepared.command, bootstrap, prefix, ",".join(feat.name for feat in asked)],
            log_path=log,
            output_path=output,
            cwd=prepared.directory,
            environment={**prepared.environment, "CLIENT_SCRATCH": scratch},
        )
        try:
            process.wait(timeout_s)
            ending = f"the program ended with status {process.returncode} and no word on it"
        except subprocess.TimeoutExpired:
            ending = f"the program had not ended after {timeout_s} s"
        finally:
            process.kill()
        said = reported(output.read_text(errors="replace"))
        ending += f": {process.log_text()[-_SAID_CHARACTERS:]}"
    return [_result(prepared.client.name, broker, feat.name, said.get(feat.name), ending) for feat in asked]


def reported(output: str) -> dict[str, dict[str, Any]]:
    """The last report of each feat among a program's lines; other lines are the client library's chatter."""
    reports: dict[str, dict[str, Any]] = {}
    for line in output.splitlines():
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and isinstance(report.get("feat"), str) and "ok" in report:
            reports[report["feat"]] = report
    return reports


def _result(client: str, broker: str, feat: str, report: dict[str, Any] | None, ending: str) -> Result:
    if report is None:
        return Result(broker, client, feat, ok=False, detail=ending, seconds=0.0)
    return Result(
        broker,
        client,
        feat,
        ok=report["ok"] is True,
        detail=" ".join(str(report.get("detail", "")).split())[:_SAID_CHARACTERS],
        seconds=float(report.get("seconds", 0)),
    )
