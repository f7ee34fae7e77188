"""The benchmark's table in the README, between two comments; nothing outside them changes."""

from __future__ import annotations

from pathlib import Path

from compat.bench.figures import Results
from compat.bench.table import readme_table

BEGIN = "<!-- benchmark: written by `python -m compat.bench --readme` -->"
END = "<!-- end of the benchmark -->"


def write_into(path: Path, results: Results) -> None:
    """Put the table of the latest run between the comments; ValueError when the file lacks them."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} lacks the comments {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{readme_table(results)}\n{END}{after}", encoding="utf-8")
