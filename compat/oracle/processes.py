"""Child processes that never outlive us: started in their own group, stopped by pid, killed when we die.

The kernel kills the child when the *thread* that started it ends (``PR_SET_PDEATHSIG``, set by util-linux's
``setpriv``), so one thread that lives as long as the interpreter starts them all, whoever asks.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

_LAUNCHER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-launcher")


class ChildProcess:
    """One running program with its output in ``log_path`` (standard output and error together, appended)."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_path: Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        output_path: Path | None = None,
    ) -> None:
        """Start ``command``; standard output goes to ``output_path``, overwritten, when one is given."""
        self.log_path = log_path
        with open(log_path, "ab") as log, open(output_path or os.devnull, "wb") as output:
            self._popen = _LAUNCHER.submit(
                subprocess.Popen[bytes],
                [*_die_with_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output if output_path else log,
                stderr=log,
                cwd=cwd,
                env={**os.environ, **environment} if environment is not None else None,
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; ``None`` while it runs."""
        return self._popen.poll()

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace")

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            self._popen.send_signal(number)

    def wait(self, timeout_s: float) -> int:
        """Wait for the end; raises ``subprocess.TimeoutExpired``."""
        return self._popen.wait(timeout_s)

    def stop(self, timeout_s: float = 120) -> int:
        """Ask it to end (SIGTERM), insist after ``timeout_s`` (SIGKILL); returns the exit status."""
        self.send_signal(signal.SIGTERM)
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """``kill -9`` the whole group; returns the exit status."""
        if self.returncode is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
        return self._popen.wait()


def _die_with_parent() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
