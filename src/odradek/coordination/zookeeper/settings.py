"""How to reach a ZooKeeper ensemble: what `zookeeper.*` configs say, as one value. Knows nothing of kazoo."""

from __future__ import annotations

from dataclasses import field

from odradek.value_object import value_object


@value_object
class TlsSettings:
    """An encrypted connection, by PEM files.

    `keystore` holds this broker's private key and its chain of certificates, `truststore` the authorities
    that sign the ensemble's; without one the system's are trusted. `protocols` are Java's names.
    """

    keystore: str | None = None
    keystore_password: str | None = field(default=None, repr=False)
    truststore: str | None = None
    protocols: tuple[str, ...] = ("TLSv1.2",)
    checks_hostname: bool = True


@value_object
class Credentials:
    """A name and a password for SASL's DIGEST-MD5, as a JAAS file gives them."""

    username: str
    password: str = field(repr=False)


@value_object
class ZooKeeperSettings:
    """An ensemble, the part of its tree that is ours, and how long to wait for it.

    `hosts` are `host:port` pairs with commas between; `chroot` is empty or a path without a slash at its end.
    With `protects_nodes` only the connection's identity may change what it creates (zookeeper.set.acl).
    """

    hosts: str
    chroot: str = ""
    session_timeout_ms: int = 18_000
    connection_timeout_ms: int = 18_000
    max_in_flight_requests: int = 10
    tls: TlsSettings | None = None
    credentials: Credentials | None = None
    protects_nodes: bool = False

    @classmethod
    def of(
        cls, connect: str, *, session_timeout_ms: int, connection_timeout_ms: int | None = None
    ) -> ZooKeeperSettings:
        """Read `zookeeper.connect`: `host:port,host:port/chroot`. Connecting may take a session by itself."""
        hosts, slash, chroot = connect.partition("/")
        root = f"{slash}{chroot}".rstrip("/")
        return cls(hosts, root, session_timeout_ms, connection_timeout_ms or session_timeout_ms)

    @property
    def connect(self) -> str:
        """`zookeeper.connect` again."""
        return f"{self.hosts}{self.chroot}"
