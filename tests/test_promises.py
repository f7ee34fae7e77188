"""The table of promises in `README.md` names tests that exist, and every promise has one."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
ROWS = [line for line in (TESTS / "README.md").read_text().splitlines() if line.startswith("| ")]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_every_promise_has_a_test():
    promises = [row for row in ROWS if not row.startswith(("| Promise ", "| --- "))]
    assert promises
    assert [row for row in promises if not NAMED.search(row)] == []


def test_every_named_test_exists():
    named = {found.groups() for row in ROWS for found in NAMED.finditer(row)}
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (TESTS / path).exists()
        or not re.search(rf"^(async )?def {name}\b", (TESTS / path).read_text(), re.MULTILINE)
    ]
    assert missing == []
