"""A profile of each hot path: py-spy watches Odradek under one load after the other.

    python -m compat.bench.profile [--seconds 10] [--only "fetch 1 MB batches"]

Writes compat/bench/profile.json, whose findings the report shows, and beside the results of this machine, in
compat/results/profiles, the folded stacks of each path for a flame graph.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from compat.bench.brokers import Contestant, address, all_kinds
from compat.bench.fetch_load import fetch
from compat.bench.process import measured
from compat.bench.produce_load import ProduceLoad, batch_of, produce
from compat.bench.topics import create_topic, delete_topic

FINDINGS = Path(__file__).parent / "profile.json"
STACKS = Path(__file__).parent.parent / "results" / "profiles"
SAMPLES_PER_SECOND = 100
SHOWN = 12
WARM_UP_S = 1
"""The first request of a kind loads its module; that is not the path."""
WAITING = ("EpollIOManager.get_events", "WorkerThread._work")
"""Where threads sleep: no work. `cpu` says how much of the time was spent awake."""
_LINE = re.compile(r":\d+(?=\)$)")
_ADDRESS = re.compile(r"^0x[0-9a-f]+")
STRETCH_BYTES, MOST_REQUESTS = 50_000_000, 1000
"""Of a load, before it looks whether it is enough."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One path: samples at work, and the functions in which they ended, with their parts of all samples."""

    path: str
    samples: int
    cpu: float
    """Of a core, while it was watched."""
    functions: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class HotPath:
    """A load that goes on until it is told to stop; a fetch reads what was produced before."""

    name: str
    record_bytes: int
    batch_bytes: int
    in_flight: int = 1
    fetch_bytes: int | None = None

    @property
    def _stretch(self) -> int:
        return min(MOST_REQUESTS, STRETCH_BYTES // self.batch_bytes)

    def run(self, broker: Contestant, topic: str, enough: threading.Event) -> None:
        batch = batch_of(self.record_bytes, self.batch_bytes)
        load = ProduceLoad(batch, self._stretch, in_flight=self.in_flight)
        if self.fetch_bytes is not None:
            produce(address(broker), topic, load)
        while not enough.is_set():
            if self.fetch_bytes is None:
                produce(address(broker), topic, load)
            else:
                fetch(address(broker), topic, batch, batches=load.requests, max_bytes=self.fetch_bytes)


HOT_PATHS = (
    HotPath("produce 1 MB batches", 1000, 1_000_000, in_flight=5),
    HotPath("fetch 1 MB batches", 1000, 1_000_000, fetch_bytes=1 << 20),
    HotPath("produce one record a request, 1 in flight", 200, 200),
    HotPath("produce one record a request, 5 in flight", 200, 200, in_flight=5),
    HotPath("fetch one record a request", 200, 200, fetch_bytes=1),
)


def profiles(path: Path = FINDINGS) -> list[Profile]:
    """The latest findings, or nothing."""
    return [Profile(**each) for each in json.loads(path.read_text())] if path.exists() else []


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=10, show_default=True, type=click.IntRange(1), help="Of each path.")
@click.option("--only", multiple=True, type=click.Choice([path.name for path in HOT_PATHS]), help="One path.")
def main(seconds: int, only: tuple[str, ...]) -> None:
    """Profile Odradek's hot paths."""
    found = {each.path: each for each in profiles()}
    with all_kinds()["odradek"].make() as broker:
        for path in HOT_PATHS:
            if not only or path.name in only:
                found[path.name] = _profile(broker, path, seconds)
                print(_text(found[path.name]), flush=True)
    FINDINGS.write_text(json.dumps([asdict(each) for each in found.values()], indent=1) + "\n")


def _profile(broker: Contestant, path: HotPath, seconds: int) -> Profile:
    topic = f"profile-{time.time_ns()}"
    create_topic(broker.bootstrap, topic)
    enough = threading.Event()
    worker = threading.Thread(target=path.run, args=(broker, topic, enough))
    worker.start()
    try:
        time.sleep(WARM_UP_S)
        stacks = STACKS / f"{path.name.replace(' ', '-').replace(',', '')}.folded"
        with measured(broker.pid) as cost:
            _watch(broker.pid, stacks, seconds)
    finally:
        enough.set()
        worker.join()
    delete_topic(broker.bootstrap, topic)
    ends = Counter[str]()
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        end = _end(stack.split(";"))
        if not any(waiting in end for waiting in WAITING):
            ends[end] += int(count)
    samples = ends.total()
    shares = [(function, count / samples) for function, count in ends.most_common(SHOWN)]
    return Profile(path.name, samples, cost.cpu_seconds / seconds, shares)


def _end(stack: list[str]) -> str:
    """The function that a sample ended in, without its line; a native one with the Python function around it.

    `memcpy` and the like have no name in a stripped C library, only an address.
    """
    last = _LINE.sub("", stack[-1])
    if _is_python(last):
        return last
    around = next((_LINE.sub("", each) for each in reversed(stack) if _is_python(each)), "")
    return f"{_ADDRESS.sub('memory', last)} ← {around}".removesuffix(" ← ")


def _is_python(function: str) -> bool:
    return ".py" in function or "<frozen" in function


def _watch(pid: int, stacks: Path, seconds: int) -> None:
    """Folded stacks of the running threads; functions only, as lines of one function belong together."""
    stacks.parent.mkdir(parents=True, exist_ok=True)
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    command = [program, "record", "--pid", str(pid), "--duration", str(seconds), "--function", "--native"]
    command += [
        "--rate",
        str(SAMPLES_PER_SECOND),
        "--format",
        "raw",
        "--output",
        str(stacks),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"py-spy: {done.stdout}{done.stderr}")


def _text(found: Profile) -> str:
    return "\n".join([f"{found.path}: {found.cpu:.0%} of a core", *_lines(found)])


def _lines(found: Profile) -> Iterator[str]:
    for function, share in found.functions:
        yield f"  {share:6.1%}  {function}"


if __name__ == "__main__":
    main()
