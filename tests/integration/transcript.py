"""A session of command-line tools at one broker, written down so that two brokers' answers can be compared.

What differs between two runs of real Kafka itself (ids drawn at random, ports, paths, times) is replaced by a
word, each by one rule in ``NORMALISED``. Everything else counts, down to the white space of a column's width.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from compat.oracle.ports import wait_until
from compat.oracle.tools import RunningTool, ToolHost, ToolResult
from compat.wire import Wire
from odradek.protocol.generated.metadata_request import MetadataRequest, MetadataRequestTopic

SETTLE_S: Final = 120
"""How long a change may take until the broker shows it; real Kafka tells itself asynchronously."""

WITHOUT_BOOTSTRAP: Final = frozenset({"ProducerPerformance"})
"""Tools whose arguments the session gives in full."""

NORMALISED: Final = (
    (re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]"), "[log time]"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(TopicId: )[\w-]{22}"), r"\1<topic id>"),
    (re.compile(r"\blocalhost:\d{4,5}\b"), "<broker>"),
    (re.compile(r"\b(console-consumer-|perf-consumer-)\d+\b"), r"\1<number>"),
    (re.compile(r"\b((?:admin|ad)-?client-|consumer-[\w.]+-|producer-)\d+\b"), r"\1<number>"),
    (re.compile(r"\b(CreateTime|LogAppendTime):\d{13}\b"), r"\1:<time>"),
    (re.compile(r"^\t(at .*|\.\.\. \d+ more)\n", re.MULTILINE), ""),
)


class Subject(Protocol):
    """A broker, ours or real."""

    log_dir: Path

    @property
    def bootstrap(self) -> str: ...


class Transcript:
    """Runs tools of one release at one broker and keeps what they said, in order."""

    def __init__(self, tools: ToolHost, subject: Subject, scratch: Path) -> None:
        """``scratch`` is a directory for the files that tools are given; its path is normalised away.

        ``tag`` stands for the tools' release in names, without the dots that the tools warn about.
        """
        self.tag = tools.release.replace(".", "")
        self.scratch = scratch
        self.subject = subject
        self._tools = tools
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """All commands and answers so far, normalised."""
        return "".join(self._lines)

    def run(
        self, command: str, *, stdin: str | None = None, replace: Mapping[str, str] | None = None
    ) -> ToolResult:
        """Run a tool, given as in a shell but without ``--bootstrap-server``, and write it down.

        ``replace`` (pattern → replacement, line by line) normalises what differs in this answer only.
        """
        return self._record(command, self._run(command, stdin), replace or {})

    def eventually(
        self, shows: str | Callable[[str], bool], command: str, *, replace: Mapping[str, str] | None = None
    ) -> ToolResult:
        """Run a tool again and again until its standard output shows the text; write the last run down."""
        last: list[ToolResult] = []

        def shown() -> bool:
            last[:] = [self._run(command, None)]
            return shows in last[0].stdout if isinstance(shows, str) else shows(last[0].stdout)

        wait_until(shown, timeout_s=SETTLE_S)
        return self._record(command, last[0], replace or {})

    def start(self, command: str) -> RunningTool:
        """Start a tool that runs beside the others; it is not written down."""
        return self._tools.start(*self._words(command))

    def create(self, topic: str, arguments: str = "") -> str:
        """``kafka-topics --create`` with ``arguments``, then wait until every partition has a leader."""
        self.run(f"TopicCommand --create --topic {topic} {arguments}")
        self.settle(topic)
        return topic

    def settle(self, topic: str, partitions: int = 1) -> None:
        """Wait until the broker reports at least ``partitions`` partitions, each with a leader."""

        def led() -> bool:
            with Wire(self.subject.bootstrap) as wire:
                request = MetadataRequest(
                    topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False
                )
                (found,) = wire.send(request, version=9).topics
            return len(found.partitions) >= partitions and all(
                partition.leader_id >= 0 for partition in found.partitions
            )

        assert wait_until(led, timeout_s=SETTLE_S), f"{topic} has no leaders"

    def file(self, name: str, text: str) -> str:
        """Write a file for a tool; returns its path."""
        path = self.scratch / name
        path.write_text(text)
        return str(path)

    def _run(self, command: str, stdin: str | None) -> ToolResult:
        return self._tools.run(*self._words(command), stdin=stdin)

    def _words(self, command: str) -> tuple[str, ...]:
        name, *arguments = shlex.split(command)
        where = () if name in WITHOUT_BOOTSTRAP else ("--bootstrap-server", self.subject.bootstrap)
        return (name, *where, *arguments)

    def _record(self, command: str, result: ToolResult, replace: Mapping[str, str]) -> ToolResult:
        said = _whole_lines(result.stdout)
        if result.stderr:
            said += f"(standard error)\n{_whole_lines(result.stderr)}"
        asked = self._normalise(f"$ {command}\n", {})
        self._lines.append(f"{asked}{self._normalise(said, replace)}(exit {result.returncode})\n\n")
        return result

    def _normalise(self, text: str, replace: Mapping[str, str]) -> str:
        text = text.replace(str(self.scratch), "<scratch>").replace(str(self.subject.log_dir), "<log dir>")
        for pattern, word in NORMALISED:
            text = pattern.sub(word, text)
        for rule, word in replace.items():
            text = re.sub(rule, word, text, flags=re.MULTILINE)
        return text


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n(no end of line)\n"
