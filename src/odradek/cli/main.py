"""The `odradek` command."""

from __future__ import annotations

import click

from odradek import __version__
from odradek.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="odradek", message="%(prog)s %(version)s")
def main() -> None:
    """A Kafka broker in Python."""


main.add_command(serve)


if __name__ == "__main__":
    main()
