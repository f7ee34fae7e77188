"""Whatever a few kilobytes of records claim to be, others have turns while they are looked at."""

from struct import pack

import cramjam
import pytest

from odradek.errors import KafkaError
from odradek.protocol.error_codes import ErrorCode
from odradek.records import record_stream
from odradek.records.batch import read_header
from odradek.records.builder import build_batch
from odradek.records.compression import Compression, lz4_header
from odradek.records.pieces import decompress_in_pieces
from odradek.records.record import Record
from odradek.records.record_stream import RECORDS_OF_A_BREATH, Skimmed, skim_records
from odradek.records.varint import write_varint
from odradek.records.window import Window

HEADER = read_header(build_batch([Record(0, 7, b"", b"")]))
HEADERS = 40 * RECORDS_OF_A_BREATH


def record_of_headers(count: int) -> bytes:
    body = bytearray(b"\0\0\0\0\0")
    write_varint(body, count)
    body += b"\0\1" * count
    record = bytearray()
    write_varint(record, len(body))
    return bytes(record + body)


def zstd_as_a_whole(data):
    yield bytes(cramjam.zstd.decompress(data))


@pytest.mark.parametrize("most_held_bytes", [1 << 20, 1 << 10], ids=["held", "piece by piece"])
def test_breaths_are_taken_between_the_headers_of_one_record(
    monkeypatch: pytest.MonkeyPatch, most_held_bytes: int
) -> None:
    monkeypatch.setattr(record_stream, "_MOST_HELD_BYTES", most_held_bytes)
    record = record_of_headers(HEADERS)
    pieces = [record[at : at + 4096] for at in range(0, len(record), 4096)]
    items = list(skim_records(pieces, HEADER))
    assert [item for item in items if item is not None] == [Skimmed(0, 7, 0, 0)]
    assert items.count(None) >= HEADERS // RECORDS_OF_A_BREATH


def test_headers_are_passed_over_without_copying_what_is_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_stream, "_MOST_HELD_BYTES", 1 << 10)
    record = record_of_headers(HEADERS)
    refilled: list[int] = []
    refill = Window.refill

    def counted(window: Window, position: int, size_bytes: int) -> object:
        refilled.append(position)
        return refill(window, position, size_bytes)

    monkeypatch.setattr(Window, "refill", counted)
    list(skim_records([record[:64], record[64:]], HEADER))
    assert len(refilled) < 40


def test_breaths_are_taken_between_pieces_of_nothing() -> None:
    breaths: list[object] = []
    with pytest.raises(KafkaError) as refused:
        breaths.extend(skim_records([b""] * 1000, HEADER))
    assert refused.value.code == ErrorCode.INVALID_RECORD
    assert len(breaths) >= 1000


def test_a_small_block_of_lz4_takes_little_memory() -> None:
    header = bytearray(lz4_header(covers_magic=False))
    header[5] = 0x70  # blocks of 4 MiB
    header[6] = 0x73  # the checksum of such a header
    frame = bytes(header) + (pack("<I", 2) + b"\x10x") * 3 + pack("<I", 0)
    found = decompress_in_pieces(Compression.LZ4, frame, zstd=zstd_as_a_whole)
    pieces = [memoryview(piece) for piece in found]
    assert [bytes(piece) for piece in pieces] == [b"x"] * 3
    assert all(len(bytes(piece.obj)) < 1024 for piece in pieces)
