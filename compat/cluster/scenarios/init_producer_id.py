"""InitProducerId: every broker gives ids from blocks of its own."""

from compat.cluster.session import BROKERS, ClusterSession
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.init_producer_id_request import InitProducerIdRequest


@scenario(ApiKey.INIT_PRODUCER_ID)
def never_the_same_twice(k: ClusterSession) -> None:
    asked = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
    given = [k.send(broker, asked).producer_id for broker in (*BROKERS, *BROKERS)]
    k.note("different ids", len(set(given)))
