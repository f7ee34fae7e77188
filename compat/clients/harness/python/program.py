"""The frame of a Python client's program: feats by name, a deadline for each, one JSON line for each.

Arguments: the broker's host:port, a prefix for names, the feats separated by commas. A program started with
`--member` is a member of a group until somebody kills it.
"""

import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from compat.clients.harness.python.surface import Client

_TIMEOUT_S: Final = 45
_AT_ONCE: Final = 3
_MEMBER: Final = "--member"
_output = threading.Lock()


@dataclass(frozen=True, slots=True)
class Run:
    """One feat's own names, the broker's address, the library, and how to start a member to be killed."""

    library: Client | None
    bootstrap: str
    prefix: str

    @property
    def client(self) -> Client:
        """The library; not for programs that drive a command-line tool."""
        if self.library is None:
            raise RuntimeError("this program has no library")
        return self.library

    def name(self, part: str) -> str:
        return f"{self.prefix}-{part}"

    def member_process(self, topic: str, group: str) -> subprocess.Popen[bytes]:
        """A member of the group in a process of its own."""
        module = sys.modules["__main__"].__spec__
        if module is None:
            raise RuntimeError("the program must be started with python -m")
        command = [sys.executable, "-m", module.name, _MEMBER, self.bootstrap, topic, group]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def main(client: Client | None, feats: Mapping[str, Callable[[Run], None]]) -> None:
    """Run what was asked for, a few at once, and end the process whatever threads are left."""
    if client is not None and sys.argv[1] == _MEMBER:
        _be_a_member(client, *sys.argv[2:])
    bootstrap, prefix, asked = sys.argv[1:]
    with ThreadPoolExecutor(_AT_ONCE) as slots:
        for name in asked.split(","):
            if name in feats:
                slots.submit(_report, name, feats[name], Run(client, bootstrap, f"{prefix}-{name}"))
    os._exit(0)


def _be_a_member(client: Client, bootstrap: str, topic: str, group: str) -> None:
    consumer = client.consumer(bootstrap, group=group)
    consumer.subscribe(topic)
    while True:
        consumer.poll(100)


def _report(name: str, feat: Callable[[Run], None], run: Run) -> None:
    began = time.monotonic()
    wrong: list[str] = []
    attempt = threading.Thread(target=_attempt, args=(feat, run, wrong), daemon=True)
    attempt.start()
    attempt.join(_TIMEOUT_S)
    detail = f"not done after {_TIMEOUT_S} s" if attempt.is_alive() else "".join(wrong)
    seconds = round(time.monotonic() - began, 2)
    with _output:
        print(json.dumps({"feat": name, "ok": not detail, "detail": detail, "seconds": seconds}), flush=True)


def _attempt(feat: Callable[[Run], None], run: Run, wrong: list[str]) -> None:
    try:
        feat(run)
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the feat's result
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "/clients/" in frame.filename]
        place = f"{os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
        wrong.append(f"{type(error).__name__}: {error} ({place})")
