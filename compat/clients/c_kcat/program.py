"""kcat: librdkafka on the command line. Topics are made by producing to them."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from compat.clients.harness.python import program
from compat.clients.harness.python.program import Run
from compat.clients.harness.python.reading import equal

_LINES: Final = [f"value {number}" for number in range(200)]


def _kcat(run: Run, *arguments: str, stdin: str = "") -> str:
    command = ["kcat", "-b", run.bootstrap, *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=40, check=False)
    if done.returncode != 0:
        raise AssertionError(f"kcat {' '.join(arguments)}: {done.stderr[-300:]}")
    return done.stdout


def _produce(run: Run, lines: Sequence[str], *options: str) -> str:
    name = run.name("topic")
    _kcat(run, "-P", "-t", name, *options, stdin="".join(f"{line}\n" for line in lines))
    return name


def _read(run: Run, name: str, *options: str) -> list[dict[str, Any]]:
    """Partition 0 up to its end, as kcat's JSON shows it."""
    output = _kcat(run, "-C", "-t", name, "-p", "0", "-e", "-q", "-J", *options)
    return [json.loads(line) for line in output.splitlines()]


def _produce_and_consume(run: Run, *options: str) -> None:
    name = _produce(run, _LINES, *(word for option in options for word in ("-X", option)))
    found = _read(run, name, "-o", "beginning")
    equal(_LINES, [record["payload"] for record in found])
    equal(list(range(200)), [record["offset"] for record in found])


def _headers(run: Run) -> None:
    name = _produce(run, ["v"], "-H", "a=1", "-H", "a=2", "-H", "empty=")
    equal(["a", "1", "a", "2", "empty", ""], _read(run, name, "-o", "beginning")[0]["headers"])


def _empty_and_null(run: Run) -> None:
    name = _produce(run, ["k:", ":v"], "-K", ":", "-Z")
    found = [(record["key"], record["payload"]) for record in _read(run, name, "-o", "beginning")]
    equal([("k", None), (None, "v")], found)


def _one_megabyte(run: Run) -> None:
    large = "".join(chr(97 + number * 31 % 26) for number in range(1_000_000))
    name = _produce(run, [large], "-X", "message.max.bytes=4000000")
    if _read(run, name, "-o", "beginning")[0]["payload"] != large:
        raise AssertionError("other bytes came back")


def _from_offset(run: Run) -> None:
    name = _produce(run, _LINES)
    equal(_LINES[137:], [record["payload"] for record in _read(run, name, "-o", "137")])
    equal(_LINES[-5:], [record["payload"] for record in _read(run, name, "-o", "-5")])


def _from_time(run: Run) -> None:
    name = _produce(run, _LINES[:10])
    between = _read(run, name, "-o", "beginning")[-1]["ts"] + 1
    while time.time_ns() // 1_000_000 <= between:
        time.sleep(0.001)
    _produce(run, _LINES[10:20])
    equal(_LINES[10:20], [record["payload"] for record in _read(run, name, "-o", f"s@{between}")])
    offset = _kcat(run, "-Q", "-t", f"{name}:0:{between}")
    equal(f"{name} [0] offset 10", offset.strip())


def _commit(run: Run) -> None:
    name = _produce(run, _LINES)
    for first in (0, 10, 20):
        options = ("-X", "auto.offset.reset=earliest", "-c", "10", "-q", "-J")
        output = _kcat(run, "-G", run.name("group"), *options, name)
        equal(_LINES[first : first + 10], [json.loads(line)["payload"] for line in output.splitlines()])


def _describe_topic(run: Run) -> None:
    name = _produce(run, ["v"])
    found = json.loads(_kcat(run, "-L", "-J", "-t", name))["topics"][0]
    equal(name, found["topic"])
    equal([0], [partition["partition"] for partition in found["partitions"]])
    equal(
        [partition["leader"] for partition in found["partitions"]], [found["partitions"][0]["isrs"][0]["id"]]
    )


def _transaction(run: Run) -> None:
    name = _produce(run, ["first"])
    _produce(run, _LINES[:10], "-X", f"transactional.id={run.name('id')}")
    committed = _read(run, name, "-o", "beginning", "-X", "isolation.level=read_committed")
    equal(["first", *_LINES[:10]], [record["payload"] for record in committed])


def _with(option: str) -> Callable[[Run], None]:
    return lambda run: _produce_and_consume(run, option)


FEATS: Final[Mapping[str, Callable[[Run], None]]] = {
    **{f"produce-acks-{acks}": _with(f"acks={acks}") for acks in ("0", "1", "all")},
    **{
        f"produce-{codec}": _with(f"compression.codec={codec}") for codec in ("gzip", "snappy", "lz4", "zstd")
    },
    "produce-headers": _headers,
    "produce-empty-and-null": _empty_and_null,
    "produce-1mb": _one_megabyte,
    "produce-idempotent": _with("enable.idempotence=true"),
    "consume-from-beginning": _produce_and_consume,
    "consume-from-offset": _from_offset,
    "consume-from-time": _from_time,
    "group-commit": _commit,
    "admin-describe-topic": _describe_topic,
    "transaction-commit": _transaction,
}

if __name__ == "__main__":
    program.main(None, FEATS)
