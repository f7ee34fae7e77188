"""How to reach a ZooKeeper ensemble: what `zookeeper.*` configs say, as one value. Knows nothing of kazoo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ZooKeeperSettings:
    """An ensemble, the part of its tree that is ours, and how long to wait for it.

    `hosts` are `host:port` pairs with commas between; `chroot` is empty or a path without a slash at its end.
    """

    hosts: str
    chroot: str = ""
    session_timeout_ms: int = 18_000
    connection_timeout_ms: int = 18_000

    @classmethod
    def of(
        cls, connect: str, *, session_timeout_ms: int, connection_timeout_ms: int | None
    ) -> ZooKeeperSettings:
        """Read `zookeeper.connect`: `host:port,host:port/chroot`. Connecting may take a session by itself."""
        hosts, slash, chroot = connect.partition("/")
        root = f"{slash}{chroot}".rstrip("/")
        return cls(hosts, root, session_timeout_ms, connection_timeout_ms or session_timeout_ms)

    @property
    def connect(self) -> str:
        """`zookeeper.connect` again."""
        return f"{self.hosts}{self.chroot}"
