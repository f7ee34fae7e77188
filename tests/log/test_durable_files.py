import pytest

from odradek.log.durable_files import replace_file


@pytest.mark.parametrize("sync", [True, False])
def test_a_file_is_replaced_and_nothing_else_left(tmp_path, sync):
    path = str(tmp_path / "file")
    replace_file(path, "old and long", sync=sync)
    replace_file(path, b"new", sync=sync)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"
