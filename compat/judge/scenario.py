"""What a scenario is, and where they are: the functions marked ``@scenario`` in ``compat.scenarios``.

Those of a cluster of three are in ``compat.cluster.scenarios``, and talk through a session of their own.
"""

import hashlib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from odradek.protocol.api_keys import ApiKey
from odradek.protocol.releases import advertised_api_versions

Conversation = Callable[[Any], None]
"""Takes a ``Session``, or a ``ClusterSession``."""

ONE_BROKER: Final = "compat.scenarios"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One conversation and the API that it is about; held once at each version that a release offers."""

    api: ApiKey
    play: Conversation
    since: int
    until: int
    newest_only: bool
    broker: Mapping[str, str] = field(hash=False)
    restarts: bool

    @property
    def name(self) -> str:
        """``produce.bad_crc``: module and function, as selected by ``--only``."""
        return f"{self.play.__module__.rpartition('.')[2]}.{self.play.__name__}"

    def versions(self, release: str) -> list[int]:
        """Where the scenario applies to a release; empty when the release lacks the API."""
        offered = advertised_api_versions(release).get(self.api)
        if offered is None:
            return []
        chosen = range(max(self.since, offered.lowest), min(self.until, offered.highest) + 1)
        return list(chosen[-1:] if self.newest_only else chosen)

    def digest(self) -> str:
        """Changes with the scenario's source and with what its module has beside scenarios."""
        module = inspect.getmodule(self.play)
        assert module is not None
        shared = inspect.getsource(module)
        for other in scenarios_of(module.__name__):
            shared = shared.replace(inspect.getsource(other.play), "")
        shared = re.sub(r"\n+", "\n", shared)  # a new scenario leaves empty lines
        return hashlib.sha256((inspect.getsource(self.play) + shared).encode()).hexdigest()[:16]


_FOUND: Final[dict[str, list[Scenario]]] = {}


def scenario(
    api: ApiKey,
    *,
    since: int = 0,
    until: int = 999,
    newest_only: bool = False,
    broker: Mapping[str, str] | None = None,
    restarts: bool = False,
) -> Callable[[Conversation], Conversation]:
    """Mark a function as a scenario about ``api``, at versions ``since`` to ``until``, both included.

    ``newest_only`` is for what does not depend on the version. ``broker`` are properties that it needs;
    scenarios with the same ones share a broker. ``restarts`` says that it restarts the broker.
    """

    def mark(play: Conversation) -> Conversation:
        found = Scenario(api, play, since, until, newest_only, dict(broker or {}), restarts)
        _FOUND.setdefault(play.__module__, []).append(found)
        return play

    return mark


def scenarios_of(module: str) -> list[Scenario]:
    """The scenarios of one module, in the order of its source."""
    importlib.import_module(module)
    return _FOUND.get(module, [])


def all_scenarios(only: str = "", package: str = ONE_BROKER) -> Iterator[Scenario]:
    """Every scenario of a package whose module is ``only`` or whose name starts with it."""
    path = importlib.import_module(package).__path__
    for module in sorted(found.name for found in pkgutil.iter_modules(path)):
        for each in scenarios_of(f"{package}.{module}"):
            if not only or module == only or each.name.startswith(only):
                yield each
