"""What the console script calls. The command line is loaded here, with the garbage collector off.

Hardly anything that loading modules allocates is ever garbage, and the collector would look for it some 200
times: 17 of 250 ms of a start's CPU. Frozen, what was loaded stays out of later collections too.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, by default on the process's arguments."""
    gc.disable()
    from odradek.cli.command import odradek

    gc.freeze()
    gc.enable()
    odradek(arguments)


if __name__ == "__main__":
    main()
