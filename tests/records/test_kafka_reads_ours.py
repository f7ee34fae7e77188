"""Real Kafka reads every batch that we build as the records that went in: our codecs are not its own."""

import subprocess
from pathlib import Path

import pytest

from compat.oracle.java import Jvm, LogTo, compiled, java_command
from odradek.records.builder import build_batch
from odradek.records.compression import Compression
from odradek.records.conversion import down_convert
from odradek.records.record import Record
from tests.records.golden_batches import LEGACY_CODECS, expected_records

pytestmark = pytest.mark.oracle

DRIVER = Path("compat/java/GoldenBatches.java")
RELEASE = "3.9.2"


def lines(name: str, records: list[Record]) -> list[str]:
    """What the driver prints for records that it read."""
    return [
        f"{name} {record.offset} {record.timestamp} {text(record.key)} {text(record.value)} "
        f"[{', '.join(f'{key}={text(value)}' for key, value in record.headers)}]"
        for record in records
    ]


def text(content: bytes | None) -> str:
    return "null" if content is None else f"'{content.decode()}'"


def test_kafka_reads_our_batches_and_our_old_messages(tmp_path: Path) -> None:
    expected: list[str] = []
    files: list[str] = []

    def keep(name: str, data: bytearray, records: list[Record]) -> None:
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
        expected.extend(lines(name, records))

    large = [Record(10 + i, 1_700_000_000_000 + i, None, b"line %d " % i * 20) for i in range(3000)]
    for codec in Compression:
        batch = build_batch(expected_records(2), base_offset=10, compression=codec)
        keep(f"2-{codec.name}", batch, expected_records(2))
        keep(f"2-{codec.name}-large", build_batch(large, base_offset=10, compression=codec), large)
        for magic in (0, 1):
            if codec.name.lower() in LEGACY_CODECS:
                old = down_convert(batch, to_magic=magic, first_offset=10)
                keep(f"{magic}-{codec.name}", old, expected_records(magic))
    command = java_command(
        RELEASE,
        "GoldenBatches",
        "read",
        *files,
        jvm=Jvm.TOOL,
        log_to=LogTo.ERRORS,
        extra_classes=compiled(DRIVER, RELEASE),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == expected
