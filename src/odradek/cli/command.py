"""The command line: `odradek` and its subcommands."""

from __future__ import annotations

import click

from odradek import __version__
from odradek.cli.serve import serve


class _Commands(click.Group):
    """Loads a command when it is asked for: what only others need would slow every start down."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["metadata", "serve"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "metadata":
            from odradek.cli.metadata import metadata

            return metadata
        return serve if cmd_name == "serve" else None


@click.group(name="odradek", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="odradek", message="%(prog)s %(version)s")
def odradek() -> None:
    """A Kafka broker in Python."""
