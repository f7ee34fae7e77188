"""TLS to an ensemble, as ZooKeeper's Java client does it (org.apache.zookeeper.common.ClientX509Util)."""

from __future__ import annotations

import ssl

from odradek.coordination.zookeeper.settings import TlsSettings

_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
"""Java's names of the protocols."""


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """Raises OSError for a file that cannot be read or used, ValueError for a protocol of another name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.checks_hostname
    unknown = [name for name in settings.protocols if name not in _VERSIONS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is not a version of TLS")
    versions = sorted(_VERSIONS[name] for name in settings.protocols)
    context.minimum_version, context.maximum_version = versions[0], versions[-1]
    if settings.truststore is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(settings.truststore)
    if settings.keystore is not None:
        # A PEM file holds the key and the certificates. Never ask the terminal for a password.
        context.load_cert_chain(settings.keystore, password=settings.keystore_password or "")
    return context
