"""The proxy between brokers, in front of a server that answers each frame with the same frame."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from compat.cluster.proxy import Direction, Frame, Proxy, source_of
from compat.oracle.ports import wait_until

FOLLOWER_1 = b"\0\1\0\x11\0\0\0\1\0\x12broker-1-fetcher-0 and a fetch"
BROKER_2 = b"\0\x38\0\3\0\0\0\1\0\x012 and an AlterPartition"
MOMENT_S = 0.2


class Echo:
    """Listens until it is closed; every connection gets its frames back."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        try:
            while received := connection.recv(4096):
                connection.sendall(received)
        except OSError:
            return

    def close(self) -> None:
        """Die: nobody listens, every connection is reset."""
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


def connect(proxy: Proxy) -> socket.socket:
    assert wait_until(lambda: accepts(proxy.port), timeout_s=10)
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except OSError:
        return False
    return True


def send(connection: socket.socket, payload: bytes) -> None:
    connection.sendall(len(payload).to_bytes(4, "big") + payload)


def receive(connection: socket.socket, payload: bytes) -> bool:
    """Whether the payload comes back, within the connection's timeout."""
    expected = len(payload).to_bytes(4, "big") + payload
    received = b""
    try:
        while len(received) < len(expected):
            chunk = connection.recv(len(expected) - len(received))
            if not chunk:
                return False
            received += chunk
    except OSError:
        return False
    return received == expected


def test_frames_pass_and_are_shown(echo):
    shown: list[Frame] = []
    with Proxy(echo.port, on_frame=shown.append) as proxy, connect(proxy) as connection:
        send(connection, FOLLOWER_1)
        assert receive(connection, FOLLOWER_1)
    assert [(each.direction, each.payload) for each in shown] == [
        (Direction.TO_BROKER, FOLLOWER_1),
        (Direction.FROM_BROKER, FOLLOWER_1),
    ]


def test_a_cut_holds_one_brokers_frames_until_it_is_healed(echo):
    with Proxy(echo.port) as proxy, connect(proxy) as follower, connect(proxy) as other:
        proxy.cut(source=1)
        send(follower, FOLLOWER_1)
        send(other, BROKER_2)
        assert receive(other, BROKER_2)
        follower.settimeout(MOMENT_S)
        assert not receive(follower, FOLLOWER_1)
        proxy.heal()
        follower.settimeout(10)
        assert receive(follower, FOLLOWER_1)


def test_a_cut_may_be_of_one_direction(echo):
    shown: list[Frame] = []
    with Proxy(echo.port, on_frame=shown.append) as proxy, connect(proxy) as connection:
        proxy.cut(directions=(Direction.FROM_BROKER,))
        send(connection, FOLLOWER_1)
        assert wait_until(lambda: [each.direction for each in shown] == [Direction.TO_BROKER], timeout_s=10)
        connection.settimeout(MOMENT_S)
        assert not receive(connection, FOLLOWER_1)


def test_a_delay_is_for_each_frame(echo):
    with Proxy(echo.port) as proxy, connect(proxy) as connection:
        proxy.delay(MOMENT_S)
        connection.settimeout(MOMENT_S)
        send(connection, FOLLOWER_1)
        assert not receive(connection, FOLLOWER_1)
        connection.settimeout(10)
        assert receive(connection, FOLLOWER_1)


def test_connections_are_reset_and_new_ones_accepted(echo):
    with Proxy(echo.port) as proxy, connect(proxy) as connection:
        send(connection, FOLLOWER_1)
        assert receive(connection, FOLLOWER_1)
        proxy.reset_connections()
        assert not receive(connection, FOLLOWER_1)
        with connect(proxy) as another:
            send(another, FOLLOWER_1)
            assert receive(another, FOLLOWER_1)


def test_the_proxy_refuses_while_its_broker_does(echo):
    with Proxy(echo.port) as proxy, connect(proxy) as connection:
        echo.close()
        assert not receive(connection, FOLLOWER_1)
        assert wait_until(lambda: not accepts(proxy.port), timeout_s=10)
        again = Echo(echo.port)
        with connect(proxy) as another:
            send(another, FOLLOWER_1)
            assert receive(another, FOLLOWER_1)
        again.close()


@pytest.mark.parametrize(
    ("request_frame", "source"),
    [(FOLLOWER_1, 1), (BROKER_2, 2), (b"\0\3\0\x0c\0\0\0\1\0\x07rdkafka", None), (b"\0\3", None)],
)
def test_who_speaks_is_told_by_the_client_id(request_frame, source):
    assert source_of(request_frame) == source
