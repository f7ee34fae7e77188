"""JAAS login configuration, the file that java.security.auth.login.config names.

    Client {
        org.apache.zookeeper.server.auth.DigestLoginModule required
        username="kafka" password="secret";
    };

Sections by their names; each has login modules with a flag and options. Comments are C's.
Source: javax.security.auth.login.Configuration, sun.security.provider.ConfigFile.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from odradek.value_object import value_object

LOGIN_CONFIG = "java.security.auth.login.config"
"""The system property that names the file."""

_TOKEN = re.compile(
    r'\s+|//[^\n]*|/\*.*?\*/|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<mark>[{};=])|(?P<word>[^\s{};="]+)', re.S
)


class MalformedJaas(ValueError):
    """A file that is no login configuration."""


@value_object
class LoginModule:
    """A module's Java class, its flag (`required`) and its options."""

    name: str
    flag: str
    options: Mapping[str, str]


def system_properties(java_options: str) -> dict[str, str]:
    """The properties that `-Dname=value` among a JVM's options set, as in KAFKA_OPTS; the last one wins."""
    properties = {}
    for option in shlex.split(java_options):
        if option.startswith("-D"):
            name, _, value = option[2:].partition("=")
            properties[name] = value
    return properties


def parse_jaas(text: str) -> dict[str, tuple[LoginModule, ...]]:
    """The login modules of each section. Raises MalformedJaas."""
    tokens = _tokens(text)
    sections: dict[str, tuple[LoginModule, ...]] = {}
    for name in tokens:
        _expect(tokens, "{")
        modules = []
        while (module := next(tokens, "")) != "}":
            modules.append(_module(module, tokens))
        _expect(tokens, ";")
        sections[name] = tuple(modules)
    return sections


def _module(name: str, tokens: Iterator[str]) -> LoginModule:
    flag = next(tokens, "")
    options = {}
    while (option := next(tokens, "")) != ";":
        _expect(tokens, "=")
        options[option] = next(tokens, "")
    return LoginModule(name, flag, options)


def _expect(tokens: Iterator[str], mark: str) -> None:
    found = next(tokens, "")
    if found != mark:
        raise MalformedJaas(f"{mark!r} expected, not {found!r}")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedJaas(f"unfinished: {text[at : at + 20]!r}")
        at = match.end()
        if match["quoted"] is not None:
            yield re.sub(r"\\(.)", r"\1", match["quoted"])
        elif match["mark"] or match["word"]:
            yield match["mark"] or match["word"]
