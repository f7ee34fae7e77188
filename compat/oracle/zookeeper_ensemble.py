"""A real ensemble of three ZooKeeper servers, any of which can be killed, stopped and started again."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final

from compat.oracle.ports import free_port, wait_until
from compat.oracle.releases import OracleUnavailable
from compat.oracle.zookeeper import Ensemble
from compat.oracle.zookeeper_server import ZooKeeperServer

_START_ATTEMPTS: Final = 3
_ELECTION_S: Final = 60
_TICK_MS: Final = 500
"""A fourth of the usual: elections and the shortest session are quick enough for tests."""


class ZooKeeperEnsemble(Ensemble):
    """Runs inside ``with``; data is in a temporary directory and goes with it.

    Ports and data outlast ``kill`` and ``restart``. ``members`` are the servers, in the order of ``connect``.
    """

    def __init__(self, size: int = 3) -> None:
        self._size = size
        self._scratch = tempfile.TemporaryDirectory(prefix="odradek-ensemble-")
        self.members: tuple[ZooKeeperServer, ...] = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._scratch.cleanup()

    @property
    def leader(self) -> ZooKeeperServer:
        """The member that leads; waits for an election that is under way."""
        leaders: list[ZooKeeperServer] = []

        def found() -> bool:
            leaders.extend(member for member in self.members if member.is_leader)
            return bool(leaders)

        if not wait_until(found, timeout_s=_ELECTION_S):
            raise OracleUnavailable(f"The ensemble elects no leader:\n{self.log_text()[-5000:]}")
        return leaders[0]

    def kill(self) -> None:
        """``kill -9`` all members."""
        for member in self.members:
            member.kill()

    def restart(self) -> None:
        """Start all members again, after ``kill`` (kills them if they run)."""
        self.kill()
        if not self._launch():
            raise OracleUnavailable(f"The ensemble did not start again:\n{self.log_text()[-5000:]}")

    def put_in_order(self) -> None:
        """Start all members again unless all of them run."""
        if not all(member.running for member in self.members):
            self.restart()

    def log_text(self) -> str:
        """Everything that the members have logged since their first start."""
        return "\n".join(member.log_text() for member in self.members)

    def _start(self) -> None:
        for attempt in range(_START_ATTEMPTS):
            self.members = self._make_members(Path(self._scratch.name, str(attempt)))
            if self._launch():
                self.connect = ",".join(member.address for member in self.members)
                return
            self.kill()
        raise OracleUnavailable(f"The ensemble did not start:\n{self.log_text()[-5000:]}")

    def _make_members(self, directory: Path) -> tuple[ZooKeeperServer, ...]:
        peers = {
            f"server.{number}": f"localhost:{free_port()}:{free_port()}"
            for number in range(1, self._size + 1)
        }
        settings = {**peers, "tickTime": str(_TICK_MS), "initLimit": "40", "syncLimit": "10"}
        members = []
        for number in range(1, self._size + 1):
            own = directory / str(number)
            (own / "data").mkdir(parents=True)
            (own / "data" / "myid").write_text(str(number))
            members.append(ZooKeeperServer(own, free_port(), settings))
        return tuple(members)

    def _launch(self) -> bool:
        for member in self.members:
            member.launch()
        return all(member.wait_started() for member in self.members)
