"""What a real Kafka broker complains about in its log, without what it says of any cluster under such tests.

Brokers are killed, stopped and moved in these tests: Kafka's brokers warn of lost connections and of leaders
that have just moved, among themselves just as about us.
"""

import re
from typing import Final

_COMPLAINT: Final = re.compile(r"^\[[^]]*\] (?:WARN|ERROR|FATAL) (.*(?:\n[^\[\n].*)*)$", re.MULTILINE)

_EXPECTED: Final = (
    # A broker that is down, or whose connection just ended.
    r"Connection to node -?\d+ \(.*\) could not be established",
    r"Controller \d+'s connection to broker .* was unsuccessful",
    r"Controller \d+ epoch \d+ fails to send request",
    r"Controller \d+, received .* error",
    r"Error in response for fetch request",
    r"Bootstrap broker .* disconnected",
    r"Failed to send .*",
    # A connection of ours ended while a request was under way, and the registration within the 100 ms that
    # a controller then pauses. A real Kafka that stops is registered for longer than that.
    r"Controller \d+ fails to send a request to broker .*\njava\.lang\.InterruptedException",
    # Leaders that have moved: a follower or a leader is a moment ahead of the other.
    r"Partition .* marked as failed",
    r"Received (UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|NOT_LEADER_OR_FOLLOWER)",
    r"Non-monotonic update of high watermark",
    # Of batches in flight the first went to a leader that was killed, and is sent again behind the others.
    # One that was acknowledged and is gone is for the checker of histories to find.
    r"\[ReplicaManager broker=\d+\] Error processing append operation .*\n.*\.OutOfOrderSequenceException: ",
    # Of the ensemble, not of a broker: a session that a slow machine was late to keep alive.
    r"\((org\.apache\.zookeeper|kafka\.zookeeper)\.[\w.]+\)(\n|$)",
    # What every start of this configuration says.
    r"No meta.properties file",
    r"The package io.confluent",
)
_KNOWN: Final = re.compile("|".join(_EXPECTED))


def complaints(log_text: str) -> list[str]:
    """Every warning and error that is not expected, with its stack trace."""
    return [found[0] for found in _COMPLAINT.finditer(log_text) if not _KNOWN.search(found[1])]
