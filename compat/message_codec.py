"""Kafka's own message classes as a judge of ours: bytes to JSON and back, for both oracle releases."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any, Self

from compat.oracle.java import Jvm, LogTo, compiled, java_command
from compat.oracle.releases import RELEASES, jars

_SOURCE = Path(__file__).parent / "java" / "MessageCodec.java"


class Refused(Exception):
    """Kafka's class did not take the input; the message is what it threw."""


@dataclass(frozen=True, slots=True)
class Question:
    """One input of one message class: JSON (a dict) to be encoded, or bytes to be decoded."""

    release: str
    class_name: str
    version: int
    value: dict[str, Any] | bytes

    def line(self) -> str:
        value = self.value
        kind, text = ("hex", value.hex()) if isinstance(value, bytes) else ("json", json.dumps(value))
        return "\t".join((self.release, self.class_name, str(self.version), kind, text)) + "\n"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What Kafka read: its JSON form without record data, and the bytes it writes for what it read."""

    json: dict[str, Any]
    again: bytes


Answer = bytes | Decoded | Refused


class MessageCodec:
    """A JVM with the message classes of every oracle release, for many questions; a context manager."""

    def __init__(self) -> None:
        newest = list(RELEASES)[-1]
        directories = [f"{release}={jars(release)}" for release in RELEASES]
        command = java_command(
            newest,
            "MessageCodec",
            *directories,
            jvm=Jvm.TOOL,
            log_to=LogTo.ERRORS,
            path=str(compiled(_SOURCE, newest)),
        )
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in order. Raises RuntimeError when the JVM is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        writer = Thread(target=_write, args=(self._process.stdin, [q.line() for q in questions]))
        writer.start()
        answers: list[Answer] = []
        for _ in questions:
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(f"the codec's JVM ended with {self._process.wait()}")
            answers.append(_parse(line.rstrip("\n")))
        writer.join()
        return answers


def _write(stdin: IO[str], lines: Iterable[str]) -> None:
    stdin.writelines(lines)
    stdin.flush()


def _parse(line: str) -> Answer:
    if line.startswith("! "):
        return Refused(line[2:])
    text, separator, again = line.rpartition("\t")
    if not separator:
        return bytes.fromhex(line)
    return Decoded(json.loads(text), bytes.fromhex(again))
