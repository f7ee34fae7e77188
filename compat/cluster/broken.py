"""Brokers of ours that are broken on purpose, to see that the checker of histories notices.

python compat/cluster/broken.py FAULT serve …      as `odradek serve …`, with that fault
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import trio

from odradek.api.produce import _Appends
from odradek.cli.main import main
from odradek.log.log import Log
from odradek.replication.fetch_state import FetchState
from odradek.replication.partition import Partition


def acknowledge_before_replication() -> None:
    """acks=all is answered as soon as the leader has the records."""

    async def _wait_replicated(_: _Appends) -> None:
        await trio.lowlevel.checkpoint()

    _replace(_Appends, _wait_replicated)


def advance_the_high_watermark_too_early() -> None:
    """The leader's own log end counts, whatever its followers have."""

    def _replicated_offset(_: Partition, __: Log, end_offset: int) -> int:
        return end_offset

    _replace(Partition, _replicated_offset)


def skip_truncation() -> None:
    """A follower goes on where its log ends, and says nothing of its epochs."""

    def initial(**of: Any) -> FetchState:
        return FetchState(of["log_end_offset"], of["leader_epoch"], of["topic_id"])

    _replace(FetchState, staticmethod(initial))


def _replace(owner: type, method: Any) -> None:
    """Put a method in the place of the one of that name, which must be there."""
    assert hasattr(owner, method.__name__)
    setattr(owner, method.__name__, method)


FAULTS: Final[Mapping[str, Callable[[], None]]] = {
    fault.__name__: fault
    for fault in (acknowledge_before_replication, advance_the_high_watermark_too_early, skip_truncation)
}

if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    main(sys.argv[2:])
