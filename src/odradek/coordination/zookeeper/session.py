"""One session with an ensemble: a kazoo client, heard from the trio thread.

kazoo has threads of its own and swallows what its callbacks raise; an exception in what trio is asked to run
would end the broker. So a callback does nothing but have trio call something that cannot fail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import SessionExpiredError
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.retry import KazooRetry

from odradek.coordination.zookeeper.settings import ZooKeeperSettings
from odradek.telemetry import get_logger

if TYPE_CHECKING:
    from ssl import SSLContext

_log = get_logger(__name__)

# kazoo says each attempt to connect; the store says what came of them. Without a handler of its own, the
# standard library would write kazoo's warnings to standard error.
logging.getLogger("kazoo").addHandler(logging.NullHandler())

_CLOSE_S = 10
"""How long the end of a session may take; the ensemble ends it by itself otherwise."""

_RECONNECT_DELAY_S = 0.1
_RECONNECT_MAX_DELAY_S = 1.0

_ATTEMPTS_IN_A_SESSION = 4


class _OneSessionHandler(SequentialThreadingHandler):  # type: ignore[misc]
    """kazoo's threads, for a client that must not open another session by itself when one has expired.

    A request on its way would be carried out in the new session: an ephemeral node that nobody knows of.
    """

    is_over = False
    tls: SSLContext | None = None

    def create_connection(self, *args: Any, hostname: str, **kwargs: Any) -> Any:
        if self.is_over:
            raise OSError("the session is over")
        connection = super().create_connection(*args, **kwargs)
        # kazoo's own TLS wants key and certificates in two files.
        return self.tls.wrap_socket(connection, server_hostname=hostname) if self.tls else connection


class Session:
    """A kazoo client, whose word reaches the trio thread through `tell`."""

    def __init__(self, settings: ZooKeeperSettings, tell: Callable[[Session, object], None]) -> None:
        self.connected = trio.Event()
        self.was_cut = False
        self.is_over = False
        self._token = trio.lowlevel.current_trio_token()
        self._tell = tell
        self._unanswered: set[trio.Event] = set()
        self._in_flight = trio.Semaphore(settings.max_in_flight_requests)
        self._handler = _OneSessionHandler()
        if settings.tls is not None:
            # Loaded here for the sake of the start.
            from odradek.coordination.zookeeper.tls import client_context

            self._handler.tls = client_context(settings.tls)
        retry = KazooRetry(
            max_tries=-1,
            delay=_RECONNECT_DELAY_S,
            max_delay=_RECONNECT_MAX_DELAY_S,
            sleep_func=self._handler.sleep_func,
        )
        self.client = KazooClient(
            _patiently(settings.hosts),
            timeout=settings.session_timeout_ms / 1000,
            handler=self._handler,
            connection_retry=retry,
            sasl_options=_sasl_options(settings),
        )
        self.client.add_listener(self._changed)
        self.client.start_async()

    @property
    def session_id(self) -> int | None:
        """ZooKeeper's id of the session, while it is connected."""
        client_id = self.client.client_id
        return None if client_id is None else client_id[0]

    def _changed(self, state: str) -> None:
        """Called by kazoo's connecting thread, which tries to connect anew only afterwards."""
        if state == KazooState.LOST:
            self._handler.is_over = True
        self.notify(state)

    def notify(self, notice: object) -> None:
        """Called by kazoo's threads."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._tell, self, notice)

    async def answer(self, ask: Callable[[KazooClient], Any]) -> Any:
        """Ask and wait for the answer. Raises what kazoo raises."""
        answered = trio.Event()
        async with self._in_flight:
            if self.is_over:
                raise SessionExpiredError
            self._unanswered.add(answered)
            try:
                result = ask(self.client)
                result.rawlink(lambda _: self._wake(answered))
                await answered.wait()
            finally:
                self._unanswered.discard(answered)
        if not result.ready():
            raise SessionExpiredError
        return result.get(block=False)

    def _wake(self, answered: trio.Event) -> None:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(answered.set)

    def end(self) -> None:
        """Answer no more."""
        self.is_over = True
        self.connected.set()
        for answered in self._unanswered:
            answered.set()

    async def close(self) -> None:
        """Tell the ensemble, if it can be told, and end kazoo's threads."""
        with trio.move_on_after(_CLOSE_S, shield=True) as closing:
            await trio.to_thread.run_sync(self._stop, abandon_on_cancel=True)
        if closing.cancelled_caught:
            _log.warn("ZooKeeper did not confirm the end of the session")

    def _stop(self) -> None:
        self.client.stop()
        self.client.close()


def _sasl_options(settings: ZooKeeperSettings) -> dict[str, str] | None:
    if settings.credentials is None:
        return None
    user, password = settings.credentials.username, settings.credentials.password
    return {"mechanism": "DIGEST-MD5", "username": user, "password": password}


def _patiently(hosts: str) -> str:
    """The hosts, often enough to be tried more than once in a session.

    A ZooKeeper that is just starting never answers whoever comes too early, and kazoo waits for an answer as
    long as a session lasts, divided by the number of hosts.
    """
    return ",".join([hosts] * max(1, _ATTEMPTS_IN_A_SESSION // len(hosts.split(","))))
