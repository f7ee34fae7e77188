"""The checksum, against an implementation that shares nothing with it."""

import crcmod.predefined
from hypothesis import given
from hypothesis import strategies as st

from odradek.records.crc import _crc32c, crc32c

independent = crcmod.predefined.mkPredefinedCrcFun("crc-32c")


def test_the_check_value_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283


@given(st.binary(max_size=5000))
def test_it_agrees_with_crcmod(data):
    assert crc32c(memoryview(data)) == independent(data)


def test_it_is_computed_by_the_extension_of_the_package():
    assert _crc32c().__module__ == "crc32c._crc32c"
