"""What configs say of the ensemble, or why a broker cannot start with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from odradek.broker.identity import CannotStart
from odradek.broker.zookeeper_settings import zookeeper_settings
from odradek.config.broker_config import BrokerConfig
from odradek.coordination.zookeeper.settings import Credentials, TlsSettings, ZooKeeperSettings

TLS = {"zookeeper.ssl.client.enable": "true", "zookeeper.ssl.keystore.location": "/etc/kafka/client.pem"}


def settings_of(properties: dict[str, str], options: str = "") -> ZooKeeperSettings:
    config = BrokerConfig({"zookeeper.connect": "a:1/kafka", **properties})
    return zookeeper_settings(config, {"KAFKA_OPTS": options} if options else {})


def login_file(directory: Path, module: str = "org.apache.zookeeper.server.auth.DigestLoginModule") -> str:
    path = directory / "login.conf"
    path.write_text(f'Client {{ {module} required username="kafka" password="secret"; }};')
    return f"-Xmx1G -Djava.security.auth.login.config={path}"


def test_kafkas_names_say_how_to_connect() -> None:
    plain = settings_of({"zookeeper.max.in.flight.requests": "3"})
    assert plain == ZooKeeperSettings("a:1", "/kafka", 18_000, 18_000, max_in_flight_requests=3)
    encrypted = settings_of({**TLS, "zookeeper.ssl.enabled.protocols": "TLSv1.2,TLSv1.3"})
    assert encrypted.tls == TlsSettings("/etc/kafka/client.pem", protocols=("TLSv1.2", "TLSv1.3"))
    unchecked = settings_of({**TLS, "zookeeper.ssl.endpoint.identification.algorithm": ""})
    assert unchecked.tls == TlsSettings("/etc/kafka/client.pem", checks_hostname=False)


def test_a_login_file_says_who_the_broker_is(tmp_path: Path) -> None:
    options = login_file(tmp_path)
    assert settings_of({}, options).credentials == Credentials("kafka", "secret")
    assert settings_of({}, f"{options} -Dzookeeper.sasl.client=false").credentials is None
    assert settings_of({}, f"{options} -Dzookeeper.sasl.clientconfig=Other").credentials is None


def test_nodes_are_protected_for_somebody(tmp_path: Path) -> None:
    protected = {"zookeeper.set.acl": "true"}
    assert settings_of(protected, login_file(tmp_path)).protects_nodes
    assert settings_of({**protected, **TLS}).protects_nodes
    with pytest.raises(CannotStart, match=r"zookeeper\.set\.acl is set to true, but"):
        settings_of(protected)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"zookeeper.ssl.keystore.location": "client.jks"}, "client.jks is JKS; Odradek reads PEM"),
        ({"zookeeper.ssl.truststore.type": "PKCS12", "zookeeper.ssl.truststore.location": "t"}, "PKCS12"),
        ({"zookeeper.ssl.cipher.suites": "TLS_AES_256_GCM_SHA384"}, "cipher suites"),
        ({"zookeeper.ssl.crl.enable": "true"}, "revoked"),
    ],
)
def test_what_cannot_be_honoured_stops_the_start(properties: dict[str, str], reason: str) -> None:
    with pytest.raises(CannotStart, match=reason):
        settings_of({**TLS, **properties})


def test_another_login_than_digest_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"asks for .*Krb5LoginModule"):
        settings_of({}, login_file(tmp_path, "com.sun.security.auth.module.Krb5LoginModule"))


def test_a_release_without_zookeeper_keeps_its_configs_in_one_with_it() -> None:
    settings = settings_of({"odradek.emulate": "4.3", "node.id": "1", "zookeeper.session.timeout.ms": "6000"})
    assert settings == ZooKeeperSettings("a:1", "/kafka", 6000, 6000)
