"""The command line: `odradek` and its subcommands."""

from __future__ import annotations

import click

from odradek import __version__
from odradek.cli.serve import serve


@click.group(name="odradek", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="odradek", message="%(prog)s %(version)s")
def odradek() -> None:
    """A Kafka broker in Python."""


odradek.add_command(serve)
