"""Which versions of which APIs each Kafka release offers its clients.

Up to 3.9 these are the APIs of a broker in ZooKeeper mode, from 4.0 those of a KRaft broker; versions that
a release keeps unstable are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.api_ranges import RANGES

RELEASES: tuple[str, ...] = tuple(RANGES)
"""Every release that is known here, oldest first."""

LATEST = RELEASES[-1]


class VersionRange(NamedTuple):
    """Versions of one API, both bounds inclusive."""

    lowest: int
    highest: int

    def __contains__(self, version: object) -> bool:
        return isinstance(version, int) and self.lowest <= version <= self.highest


@cache
def api_versions(release: str) -> Mapping[ApiKey, VersionRange]:
    """What a broker of this release accepts, by API in the order of keys; KeyError for an unknown release."""
    return MappingProxyType({ApiKey(key): VersionRange(*bounds) for key, bounds in RANGES[release].items()})


@cache
def advertised_api_versions(release: str) -> Mapping[ApiKey, VersionRange]:
    """What a broker of this release says it accepts in its ApiVersions response.

    Differs from `api_versions` in one thing: since 4.0 Produce is said to begin at 0, because librdkafka
    turns compression off otherwise (KAFKA-18659); versions 0 to 2 are refused all the same.
    """
    accepted = dict(api_versions(release))
    produce = accepted[ApiKey.PRODUCE]
    accepted[ApiKey.PRODUCE] = VersionRange(0, produce.highest)
    return MappingProxyType(accepted)
