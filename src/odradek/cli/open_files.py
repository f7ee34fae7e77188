"""How many files this process may have open: as many as the system allows, as a JVM sees to for itself."""

from __future__ import annotations

import resource


def raise_open_files_limit() -> int:
    """Raises the soft limit to the hard one; the limit as it is then. Segments and connections need them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft  # Some systems have a lower bound of their own behind an unlimited hard limit.
    return hard
