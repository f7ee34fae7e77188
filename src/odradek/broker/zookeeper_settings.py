"""What `zookeeper.*` configs and KAFKA_OPTS say of the ensemble, its encryption and its authentication.

Kafka leaves SASL to the JVM: system properties name a JAAS file, and they reach a broker by KAFKA_OPTS. That
is how it is configured here too. Source: kafka.server.KafkaServer.zkClientConfigFromKafkaConfig,
org.apache.kafka.common.security.JaasUtils, kafka.zk.KafkaZkClient.createZkClient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from odradek.broker.identity import CannotStart
from odradek.config.broker_config import BrokerConfig
from odradek.config.jaas import LOGIN_CONFIG, MalformedJaas, parse_jaas, system_properties
from odradek.coordination.zookeeper.settings import Credentials, TlsSettings, ZooKeeperSettings

_DIGEST_MODULE = "org.apache.zookeeper.server.auth.DigestLoginModule"


def zookeeper_settings(config: BrokerConfig, environment: Mapping[str, str]) -> ZooKeeperSettings:
    """The ensemble that `zookeeper.connect` names.

    Where a release is emulated that knows no ZooKeeper, its properties are those of the last one that did.
    Raises CannotStart for what Odradek cannot do: a connection that was to be encrypted, or nodes that were
    to be protected, are never quietly neither.
    """
    if not config.release.zookeeper:
        known = {name: text for name, text in config.static.items() if name.startswith("zookeeper.")}
        config = BrokerConfig(known)
    settings = ZooKeeperSettings.of(
        config.str("zookeeper.connect"),
        session_timeout_ms=config.int("zookeeper.session.timeout.ms"),
        connection_timeout_ms=config.int_or_none("zookeeper.connection.timeout.ms"),
    )
    tls, credentials = _tls(config), _credentials(environment)
    if config.bool("zookeeper.set.acl") and credentials is None and (tls is None or tls.keystore is None):
        raise CannotStart(
            "zookeeper.set.acl is set to true, but neither a key for TLS (zookeeper.ssl.client.enable and "
            f"zookeeper.ssl.keystore.location) nor a JAAS login file (-D{LOGIN_CONFIG}=FILE in KAFKA_OPTS) "
            "says who this broker is."
        )
    return replace(
        settings,
        max_in_flight_requests=config.int("zookeeper.max.in.flight.requests"),
        tls=tls,
        credentials=credentials,
        protects_nodes=config.bool("zookeeper.set.acl"),
    )


def _tls(config: BrokerConfig) -> TlsSettings | None:
    if not config.bool("zookeeper.ssl.client.enable"):
        return None
    for name in ("zookeeper.ssl.crl.enable", "zookeeper.ssl.ocsp.enable"):
        if config.bool(name):
            raise CannotStart(f"{name} is set, but Odradek cannot ask whether a certificate was revoked.")
    if config.static.get("zookeeper.ssl.cipher.suites"):
        raise CannotStart("zookeeper.ssl.cipher.suites is set, but Odradek cannot choose cipher suites.")
    enabled = config.static.get("zookeeper.ssl.enabled.protocols")
    protocols = config.list("zookeeper.ssl.enabled.protocols") if enabled else ()
    return TlsSettings(
        keystore=_pem(config, "zookeeper.ssl.keystore.location", "zookeeper.ssl.keystore.type"),
        keystore_password=config.static.get("zookeeper.ssl.keystore.password"),
        truststore=_pem(config, "zookeeper.ssl.truststore.location", "zookeeper.ssl.truststore.type"),
        protocols=tuple(protocols) or (config.str("zookeeper.ssl.protocol"),),
        checks_hostname=config.str("zookeeper.ssl.endpoint.identification.algorithm").upper() == "HTTPS",
    )


def _pem(config: BrokerConfig, location_name: str, type_name: str) -> str | None:
    """A store's file. Its type is the one that is configured, or else what the file's name ends in."""
    location = config.static.get(location_name)
    if not location:
        return None
    kind = (config.static.get(type_name) or Path(location).suffix.removeprefix(".")).upper()
    if kind != "PEM":
        raise CannotStart(
            f"{location_name} {location} is {kind or 'of no known type'}; Odradek reads PEM, which "
            "`keytool -importkeystore` and `openssl pkcs12 -nodes` make of any other."
        )
    return location


def _credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Who the `Client` section of the JAAS file says that this broker is."""
    properties = system_properties(environment.get("KAFKA_OPTS", ""))
    file = properties.get(LOGIN_CONFIG)
    if file is None or properties.get("zookeeper.sasl.client", "true").lower() != "true":
        return None
    try:
        sections = parse_jaas(Path(file).read_text())
    except (OSError, MalformedJaas) as error:
        raise CannotStart(f"{LOGIN_CONFIG} {file} cannot be read: {error}") from error
    section = properties.get("zookeeper.sasl.clientconfig", "Client")
    modules = sections.get(section)
    if not modules:
        return None
    if modules[0].name != _DIGEST_MODULE:
        raise CannotStart(
            f"{section} in {file} asks for {modules[0].name}; Odradek has {_DIGEST_MODULE} only."
        )
    try:
        return Credentials(modules[0].options["username"], modules[0].options["password"])
    except KeyError as missing:
        raise CannotStart(f"{section} in {file} has no {missing}.") from None
