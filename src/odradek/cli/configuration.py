"""A command's configuration: from a file, then KAFKA_* variables, then --override; the later wins."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from odradek.config.broker_config import BrokerConfig
from odradek.config.environment import configs_from_environment
from odradek.config.properties import MalformedProperties, parse_properties
from odradek.errors import InvalidConfig, OdradekError

WRONG_CONFIGURATION = 2
FAILED = 1
"""Exit codes."""


def configured(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument FILE and the option --override."""
    override = click.option(
        "--override",
        "overrides",
        multiple=True,
        metavar="NAME=VALUE",
        help="A property that wins over the file's and the environment's; may be repeated.",
    )
    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.argument("file", required=False, type=path)(override(command))


def configuration(file: Path | None, overrides: Sequence[str]) -> BrokerConfig:
    """What a command was given; ends the process with code 2 when that is no configuration."""
    try:
        return BrokerConfig(_properties(file, overrides))
    except InvalidConfig as error:
        fail(str(error), WRONG_CONFIGURATION)


def _properties(file: Path | None, overrides: Sequence[str]) -> Mapping[str, str]:
    properties: dict[str, str] = {}
    if file is not None:
        try:
            # As java.util.Properties reads a stream of bytes; other characters come as \\u escapes.
            properties |= parse_properties(file.read_text(encoding="latin-1"))
        except (OSError, MalformedProperties) as error:
            fail(f"{file} cannot be read: {error}", WRONG_CONFIGURATION)
    properties |= configs_from_environment(os.environ)
    for override in overrides:
        name, equals, value = override.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--override takes NAME=VALUE, not {override!r}")
        properties[name.strip()] = value.strip()
    return properties


def first(errors: BaseExceptionGroup[OdradekError]) -> OdradekError:
    """The error of a group that is told."""
    for error in errors.exceptions:
        return first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("an exception group is never empty")


def fail(message: str, code: int) -> NoReturn:
    """Say why, and end the process."""
    click.echo(f"odradek: {message}", err=True)
    sys.exit(code)
