"""Release: which Kafka release this broker is to its clients (`odradek.emulate`).

Up to 3.9 that is a broker in ZooKeeper mode, from 4.0 on a broker in KRaft mode: 4.0 removed ZooKeeper.
"""

from __future__ import annotations

from dataclasses import dataclass

from odradek.errors import InvalidConfig

EMULATE = "odradek.emulate"


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A minor release of Kafka, such as 3.9; releases are ordered."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Release:
        """Read "3.9". Raises InvalidConfig for anything that is not one of RELEASES."""
        for release in RELEASES:
            if text.strip() == str(release):
                return release
        raise InvalidConfig(EMULATE, text, f"String must be one of: {', '.join(map(str, RELEASES))}")

    @property
    def zookeeper(self) -> bool:
        """Whether a broker of this release answers as one in ZooKeeper mode."""
        return self < FIRST_WITHOUT_ZOOKEEPER

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


FIRST_WITHOUT_ZOOKEEPER = Release(4, 0)

RELEASES = (
    Release(2, 8),
    *(Release(3, minor) for minor in range(10)),
    *(Release(4, minor) for minor in range(4)),
)
"""Every release that can be emulated, oldest first."""

DEFAULT_RELEASE = Release(3, 9)
