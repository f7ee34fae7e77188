"""`python -m protocol_specs.codegen [--check]`: write the generated package, or fail when stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from protocol_specs.codegen.index import index_text
from protocol_specs.codegen.module import module_text
from protocol_specs.codegen.ranges import ranges_text
from protocol_specs.codegen.schema import load_all

GENERATED = Path(__file__).parent.parent.parent / "src/odradek/protocol/generated"
_PACKAGE = '"""Message codecs, one module a message; written by protocol_specs/codegen, never edited."""\n'


def texts() -> dict[str, str]:
    """Every generated file by its name."""
    messages = list(load_all())
    found = {f"{message.module}.py": module_text(message) for message in messages}
    found["index.py"] = index_text(messages)
    found["api_ranges.py"] = ranges_text()
    found["__init__.py"] = _PACKAGE
    return found


def stale(wanted: dict[str, str]) -> list[str]:
    """Names of files that are missing, differ, or should not exist."""
    present = {path.name: path.read_text() for path in GENERATED.glob("*.py")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="protocol_specs.codegen")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    check = parser.parse_args(arguments).check
    wanted = texts()
    changed = stale(wanted)
    if check:
        for name in changed:
            print(f"stale: {GENERATED / name}", file=sys.stderr)
        return 1 if changed else 0
    GENERATED.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (GENERATED / name).write_text(wanted[name])
        else:
            (GENERATED / name).unlink()
    print(f"{len(wanted)} files, {len(changed)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
