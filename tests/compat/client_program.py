"""A client whose program is a few lines of Python, for tests of what runs clients."""

import sys
from pathlib import Path

from compat.clients.client import Client


def client(
    folder: Path, program: str, *, needs: tuple[str, ...] = (), prepare: tuple[str, ...] = ()
) -> Client:
    """A client in `folder`; `prepare` are Python programs too, run one after the other."""
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(program)
    return Client(
        name=folder.name,
        folder=folder,
        title="A client",
        language="Python",
        version="1",
        needs=needs,
        prepare=tuple((sys.executable, "-c", each) for each in prepare),
        run=("{python}", "program.py"),
        lacks={"produce-lz4": "it has no lz4"},
        environment={"BUILT": "{build}"},
        frameworks=False,
    )
