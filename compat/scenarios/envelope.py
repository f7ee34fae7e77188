"""Envelope: what a KRaft broker passes on to its controller; ZooKeeper mode advertises and refuses it."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.envelope_request import EnvelopeRequest


@scenario(ApiKey.ENVELOPE)
def from_a_client(k: Session) -> None:
    k.send(EnvelopeRequest(request_data=b"", request_principal=None, client_host_address=b"\x7f\0\0\1"))
