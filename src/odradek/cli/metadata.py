"""`odradek metadata`: the tree of a cluster into a file, and from a file into another store.

    odradek metadata export [FILE.properties] [--override NAME=VALUE]... [--to TREE.jsonl]
    odradek metadata import [FILE.properties] [--override NAME=VALUE]... [--from TREE.jsonl]

The properties are a broker's: `zookeeper.connect` names an ensemble, without it the store is the file in the
first of `log.dirs`. No broker may run on a store of the latter kind, and none on one that is imported into.

Exit codes: 0 done, 1 cannot be done, 2 wrong usage or configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TextIO

import click
import trio

from odradek import telemetry
from odradek.broker.identity import CannotStart
from odradek.broker.metadata_store import has_file, open_store
from odradek.cli.configuration import FAILED, configuration, configured, fail, first
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.store import StoreError
from odradek.coordination.tree_file import (
    CannotImport,
    MalformedTree,
    decode_tree,
    encode_tree,
    read_tree,
    write_tree,
)
from odradek.errors import InvalidConfig


@click.group()
def metadata() -> None:
    """Move a cluster's metadata between a broker's file, ZooKeeper, and a file of JSON lines."""


@metadata.command("export")
@configured
@click.option("--to", "target", type=click.File("w", encoding="utf-8"), default="-", help="Default: stdout.")
def export_tree(file: Path | None, overrides: Sequence[str], target: TextIO) -> None:
    """Write the metadata of the broker that FILE configures, as JSON lines."""
    config = configuration(file, overrides)
    if not config.static.get("zookeeper.connect") and not has_file(config):
        fail(f"There are no metadata in {config.log_dirs[0]}.", FAILED)
    _run(_export, config, target)


async def _export(config: BrokerConfig, target: TextIO) -> None:
    async with open_store(config) as store:
        entries = [entry async for entry in read_tree(store)]
    for line in encode_tree(entries):
        print(line, file=target)
    click.echo(f"{len(entries)} nodes exported", err=True)


@metadata.command("import")
@configured
@click.option("--from", "source", type=click.File(encoding="utf-8"), default="-", help="Default: stdin.")
def import_tree(file: Path | None, overrides: Sequence[str], source: TextIO) -> None:
    """Read metadata as JSON lines into the store of the broker that FILE configures."""
    _run(_import, configuration(file, overrides), source)


async def _import(config: BrokerConfig, source: TextIO) -> None:
    entries = list(decode_tree(source))
    async with open_store(config) as store:
        created = await write_tree(store, entries)
    click.echo(f"{created} nodes imported, {len(entries) - created} were there", err=True)


def _run(move: Callable[[BrokerConfig, TextIO], Awaitable[None]], config: BrokerConfig, end: TextIO) -> None:
    telemetry.output.hold()
    try:
        trio.run(move, config, end)
    except* (CannotStart, InvalidConfig, CannotImport, MalformedTree, StoreError) as errors:
        fail(str(first(errors)), FAILED)
