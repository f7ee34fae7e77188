"""What `compat/java/GoldenBatches.java` put into the files beside this one, as our own values.

java -cp 'JARS/*' compat/java/GoldenBatches.java write tests/records/golden
"""

from pathlib import Path

from odradek.records.record import Record

GOLDEN = Path(__file__).parent / "golden"
BASE_OFFSET = 10
START_MS = 1_700_000_000_000

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LEGACY_CODECS = ("none", "gzip", "snappy", "lz4")


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.bin").read_bytes()


def expected_records(magic: int, base_offset: int = BASE_OFFSET) -> list[Record]:
    """The six records of each file, as far as a format of that magic can hold them."""
    return [
        Record(
            offset=base_offset + i,
            timestamp=-1 if magic == 0 else START_MS + i * 1000 - (i % 2) * 1500,
            key=None if i % 3 == 0 else b"key-%d" % i,
            value=None if i == 4 else b"value-%d " % i * (i * 4),
            headers=((f"h{i}", b"x"), ("ü", None), ("", b"")) if magic == 2 and i % 2 else (),
        )
        for i in range(6)
    ]
