"""TLS, SASL and protected nodes, against a real ZooKeeper that asks for them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
import trio
from kazoo.exceptions import NoAuthError

from compat.oracle.ports import free_port
from compat.oracle.zookeeper import ZooKeeper
from odradek.coordination.store import Create, SessionExpired, StoreUnavailable
from odradek.coordination.zookeeper.settings import Credentials, TlsSettings, ZooKeeperSettings
from odradek.coordination.zookeeper.store import ZooKeeperStore
from tests.broker.wire import running

pytestmark = pytest.mark.oracle

SERVER_LOGIN = """
Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required user_kafka="secret";
};
"""

CLIENT_LOGIN = """
Client {
    org.apache.zookeeper.server.auth.DigestLoginModule required username="kafka" password="secret";
};
"""


@dataclass(frozen=True)
class Secured:
    """A ZooKeeper with a port for TLS, one certificate for both sides, and SASL."""

    server: ZooKeeper
    secure_address: str
    pem: Path

    @property
    def tls(self) -> TlsSettings:
        return TlsSettings(keystore=str(self.pem), truststore=str(self.pem))


def certificate(directory: Path) -> Path:
    """A key and a certificate that it signed itself, for localhost, in one PEM file."""
    key, signed, both = directory / "key.pem", directory / "signed.pem", directory / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(signed)),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + signed.read_text())
    return both


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    directory = tmp_path_factory.mktemp("secured")
    pem, login, port = certificate(directory), directory / "login.conf", free_port()
    login.write_text(SERVER_LOGIN)
    settings = {
        "secureClientPort": str(port),
        "secureClientPortAddress": "localhost",
        "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
        "ssl.keyStore.location": str(pem),
        "ssl.trustStore.location": str(pem),
        "authProvider.sasl": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
    }
    options = [f"-Djava.security.auth.login.config={login}"]
    with ZooKeeper(settings=settings, java_options=options) as server:
        yield Secured(server, f"localhost:{port}", pem)


@asynccontextmanager
async def opened(settings: ZooKeeperSettings) -> AsyncIterator[ZooKeeperStore]:
    async with trio.open_nursery() as nursery:
        store = ZooKeeperStore(settings)
        await nursery.start(store.run)
        try:
            await store.connect()
            yield store
        finally:
            await store.close()
            nursery.cancel_scope.cancel()


def chroot() -> str:
    return f"/{uuid4()}"


async def works(settings: ZooKeeperSettings) -> bool:
    async with opened(settings) as store:
        await store.commit(Create("/a", b"1"))
        return (await store.get("/a")).data == b"1"


async def refused(settings: ZooKeeperSettings) -> bool:
    is_refused = False
    try:
        await works(replace(settings, connection_timeout_ms=2000))
    except* (StoreUnavailable, SessionExpired):
        is_refused = True
    return is_refused


async def test_the_tree_over_tls(secured: Secured) -> None:
    assert await works(ZooKeeperSettings(secured.secure_address, chroot(), tls=secured.tls))


async def test_an_ensemble_of_another_authority_is_refused(secured: Secured, tmp_path: Path) -> None:
    other = replace(secured.tls, truststore=str(certificate(tmp_path)))
    assert await refused(ZooKeeperSettings(secured.secure_address, chroot(), tls=other))


async def test_an_ensemble_of_another_name_is_refused_if_names_are_checked(secured: Secured) -> None:
    address = secured.secure_address.replace("localhost", "127.0.0.1")
    assert await refused(ZooKeeperSettings(address, chroot(), tls=secured.tls))
    unchecked = replace(secured.tls, checks_hostname=False)
    assert await works(ZooKeeperSettings(address, chroot(), tls=unchecked))


async def test_who_has_the_password_is_let_in(secured: Secured) -> None:
    address = secured.server.connect
    kafka = Credentials("kafka", "secret")
    assert await works(ZooKeeperSettings(address, chroot(), credentials=kafka))
    wrong = Credentials("kafka", "guessed")
    assert await refused(ZooKeeperSettings(address, chroot(), credentials=wrong))


def who_may(secured: Secured, path: str) -> dict[str, str]:
    """Permissions by identity."""
    client = secured.server.client()
    try:
        entries, _ = client.get_acls(path)
    finally:
        client.stop()
        client.close()
    return {f"{each.id.scheme}:{each.id.id}": "all" if each.perms == 31 else "read" for each in entries}


@pytest.mark.parametrize("identity", ["sasl", "x509"])
async def test_protected_nodes_are_their_creators(secured: Secured, identity: str) -> None:
    if identity == "sasl":
        settings = ZooKeeperSettings(secured.server.connect, credentials=Credentials("kafka", "secret"))
        owner = "sasl:kafka"
    else:
        settings = ZooKeeperSettings(secured.secure_address, tls=secured.tls)
        owner = "x509:CN=localhost"
    root = chroot()
    async with opened(replace(settings, chroot=root, protects_nodes=True)) as store:
        await store.commit(
            Create("/consumers"), Create("/brokers"), Create("/config"), Create("/config/users")
        )
        for path in ("", "/brokers", "/config"):
            permissions = await trio.to_thread.run_sync(who_may, secured, root + path)
            assert permissions == {owner: "all", "world:anyone": "read"}, path
        assert await trio.to_thread.run_sync(who_may, secured, f"{root}/consumers") == {"world:anyone": "all"}
        # Not even who may read is told to just anyone.
        with pytest.raises(NoAuthError):
            await trio.to_thread.run_sync(who_may, secured, f"{root}/config/users")


async def test_a_broker_is_told_of_all_this_in_kafkas_words(
    secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, login = chroot(), tmp_path / "login.conf"
    login.write_text(CLIENT_LOGIN)
    monkeypatch.setenv("KAFKA_OPTS", f"-Djava.security.auth.login.config={login}")
    properties = {
        "broker.id": "3",
        "zookeeper.connect": secured.secure_address + root,
        "zookeeper.set.acl": "true",
        "zookeeper.ssl.client.enable": "true",
        "zookeeper.clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty",
        "zookeeper.ssl.keystore.location": str(secured.pem),
        "zookeeper.ssl.truststore.location": str(secured.pem),
    }
    async with running(tmp_path / "logs", properties) as broker:
        assert broker.node_id == 3
        owners = await trio.to_thread.run_sync(who_may, secured, f"{root}/brokers/ids/3")
        assert owners == {"sasl:kafka": "all", "x509:CN=localhost": "all", "world:anyone": "read"}
