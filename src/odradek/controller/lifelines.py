"""Lifelines: a killed broker is noticed by its connections, long before its session with the ensemble ends.

The controller holds one idle connection to every other broker, and every other broker one to the controller.
When it ends and the next is refused, no process listens there any more: its registration is ended at once,
and with it the controller's office if it was the controller. A process that is paused, or cut off, refuses
nothing; session time decides then, as in Kafka.

What follows is just what follows from the end of a session, and the same epochs fence a broker that was
alive after all: another controller's commits need the controller epoch that they were decided in, another
leader has a higher leader epoch. A broker of ours that finds its registration gone registers anew. A real
Kafka broker would not, so this is for brokers of ours only.
"""

from __future__ import annotations

import trio

from odradek.coordination.store import (
    BadVersion,
    Check,
    Delete,
    MetadataStore,
    NoNode,
    Operation,
    StoreUnavailable,
    find_node,
)
from odradek.metadata import paths
from odradek.metadata.znodes import BrokerRegistration, ControllerRegistration
from odradek.peers.transport import Channel, PeerRefused, PeerTimeout, PeerUnreachable, Transport
from odradek.telemetry import get_logger
from odradek.value_object import value_object

_log = get_logger(__name__)

_PAUSE_S = 0.1
"""Between two attempts to connect, unless a connection that had stood for longer has just ended."""

_REFUSALS = 2
"""What it takes where no connection has stood before, as with a broker that starts."""

_CONNECT_S = 10
"""How long an attempt may take, as socket.connection.setup.timeout.ms."""


@value_object
class _Registered:
    """One registration of a broker of ours, and where it listens."""

    node_id: int
    broker_epoch: int
    host: str
    port: int


class Lifelines:
    """The lifelines of one broker. Owned by the task that runs `run`.

    `listener_name` is that of inter.broker.listener.name.
    """

    def __init__(self, store: MetadataStore, node_id: int, listener_name: str, transport: Transport) -> None:
        self._store = store
        self._node_id = node_id
        self._listener_name = listener_name
        self._transport = transport
        self._ended: set[int] = set()
        """Brokers whose registration was ended here, and whom no line has reached since. One that registers
        again lives, so that it refuses connections proves nothing: a firewall may refuse for it.
        """

    async def run(self) -> None:
        """Hold a line to each broker that matters, for as long as it does. Raises SessionExpired."""
        held: dict[_Registered, trio.CancelScope] = {}
        async with trio.open_nursery() as nursery:
            async for _ in self._store.changes(paths.CONTROLLER, paths.BROKER_IDS):
                wanted = await self._wanted()
                for gone in held.keys() - wanted:
                    held.pop(gone).cancel()
                for new in sorted(wanted - held.keys(), key=lambda registered: registered.node_id):
                    held[new] = await nursery.start(self._hold, new)

    async def _wanted(self) -> set[_Registered]:
        """All other brokers if this one is the controller, or else the controller; without real Kafka's."""
        controller_id = await self._controller_id()
        if controller_id is None:
            return set()
        ids = {controller_id}
        if controller_id == self._node_id:
            ids = {int(name) for name in await self._store.children(paths.BROKER_IDS)} - ids
        found = [await self._registered(node_id) for node_id in ids]
        return {registered for registered in found if registered is not None}

    async def _controller_id(self) -> int | None:
        node = await find_node(self._store, paths.CONTROLLER)
        return None if node is None else ControllerRegistration.decode(node.data).broker_id

    async def _registered(self, node_id: int) -> _Registered | None:
        node = await find_node(self._store, paths.broker_id(node_id))
        if node is None:
            return None
        try:
            registration = BrokerRegistration.decode(node.data)
        except (ValueError, KeyError, TypeError):
            return None  # not one of ours
        endpoint = registration.endpoint(self._listener_name)
        if endpoint is None or not registration.is_odradek:
            return None
        return _Registered(node_id, node.czxid, endpoint.host, endpoint.port)

    # -- one line

    async def _hold(
        self,
        broker: _Registered,
        *,
        task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Stay connected; whenever nobody is there to connect to, end the registration."""
        with trio.CancelScope() as scope:
            task_status.started(scope)
            refusals_needed = _REFUSALS
            while True:
                started_at = trio.current_time()
                try:
                    await self._stay_connected(broker)
                except PeerRefused:
                    refusals_needed -= 1
                    if refusals_needed <= 0 and broker.node_id not in self._ended:
                        await self._end(broker)
                except PeerUnreachable:
                    refusals_needed = _REFUSALS  # silence proves nothing
                else:
                    refusals_needed = 1
                    if trio.current_time() - started_at >= _PAUSE_S:
                        continue
                await trio.sleep(_PAUSE_S)

    async def _stay_connected(self, broker: _Registered) -> None:
        """Return when a connection has ended. Raises PeerUnreachable when there was none."""
        channel = await self._connect(broker)
        self._ended.discard(broker.node_id)
        try:
            while True:
                await channel.receive()
        except PeerUnreachable:
            return
        finally:
            await channel.aclose()

    async def _connect(self, broker: _Registered) -> Channel:
        with trio.move_on_after(_CONNECT_S):
            return await self._transport.connect(broker.host, broker.port)
        raise PeerTimeout(f"no connection to {broker.host}:{broker.port} within {_CONNECT_S} s")

    async def _end(self, broker: _Registered) -> None:
        """End a registration, if it is still the one whose process is gone."""
        try:
            operations = await self._operations(broker)
            if not operations:
                return
            await self._store.commit(*operations)
        except (NoNode, BadVersion, StoreUnavailable):
            return  # another survivor was faster, or the broker was; if not, this is tried again
        self._ended.add(broker.node_id)
        _log.warn("broker's process is gone, its registration is ended", broker=broker.node_id)

    async def _operations(self, broker: _Registered) -> list[Operation]:
        """What ends a registration; nothing if it is another one already. Raises NoNode.

        Each election changes the version of the epoch's node, so this is for one controller's time only.
        ZooKeeper has no condition on a czxid: a registration that comes between reading and writing is
        ended too, and made again by its broker.
        """
        epoch = await self._store.get(paths.CONTROLLER_EPOCH)
        controller = await self._store.get(paths.CONTROLLER)
        controller_id = ControllerRegistration.decode(controller.data).broker_id
        path = paths.broker_id(broker.node_id)
        node = await self._store.get(path)
        if node.czxid != broker.broker_epoch or controller_id not in (self._node_id, broker.node_id):
            return []
        operations: list[Operation] = [Check(paths.CONTROLLER_EPOCH, epoch.version)]
        if controller_id == broker.node_id:
            operations.append(Delete(paths.CONTROLLER, controller.version))
        return [*operations, Delete(path, node.version)]
