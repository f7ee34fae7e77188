"""FailedDirectories: a log directory went offline; whoever waits for its logs and the controller hear of it.

The controller asks this broker about all its replicas then, is told which are offline, and has others lead
where there are others. Kafka: ReplicaManager.handleLogDirFailure, KafkaZkClient.propagateLogDirEvent. There
the failure of the last directory ends the broker; here it goes on, and says so.
"""

from __future__ import annotations

import trio

from odradek.coordination.store import Create, MetadataStore, StoreError
from odradek.log.logs import Logs
from odradek.metadata.paths import LOG_DIR_EVENT_NOTIFICATION
from odradek.metadata.znodes import encode_log_dir_event
from odradek.replication.replicas import Replicas
from odradek.telemetry import get_logger

_RETRY_S = 1

_log = get_logger(__name__)


class FailedDirectories:
    """The task of one broker that tells of its directories' failures."""

    def __init__(self, node_id: int, logs: Logs, replicas: Replicas, store: MetadataStore) -> None:
        self._node_id = node_id
        self._logs = logs
        self._replicas = replicas
        self._store = store

    async def run(self) -> None:
        """Tells of each failure, until cancelled; those at the start the controller hears of by itself."""
        while True:
            await self._logs.wait_directory_failed()
            for partition in self._replicas:
                if partition.is_offline:
                    partition.wake_all()
            await self._tell_controller()

    async def _tell_controller(self) -> None:
        """Until the store takes it. One that was on the disk which failed says so once."""
        path, data = f"{LOG_DIR_EVENT_NOTIFICATION}/log_dir_event_", encode_log_dir_event(self._node_id)
        is_known = False
        while True:
            try:
                await self._store.commit(Create(path, data, sequential=True))
            except StoreError as error:
                if not is_known:
                    _log.warn("The controller does not hear of a failed log directory", reason=str(error))
                is_known = True
                await trio.sleep(_RETRY_S)
            else:
                return
