import pytest

from odradek.log.meta_properties import (
    MalformedMetaProperties,
    MetaProperties,
    java_date,
    read_meta_properties,
    write_meta_properties,
)

# From a directory that Kafka 3.9.2 wrote.
KAFKA_FILE = "#\n#Sun Nov 22 15:58:52 UTC 2026\nbroker.id=0\nversion=0\ncluster.id=j49xtJI6SvmBgCfHNfWrow\n"
WRITTEN_MS = 1_795_363_132_000


def test_kafkas_file_is_read_and_written_alike(tmp_path):
    (tmp_path / "meta.properties").write_text(KAFKA_FILE)
    properties = read_meta_properties(str(tmp_path))
    assert properties == MetaProperties("j49xtJI6SvmBgCfHNfWrow", 0)
    write_meta_properties(str(tmp_path), properties, WRITTEN_MS)
    assert (tmp_path / "meta.properties").read_text() == KAFKA_FILE


def test_version_1_has_node_id():
    text = "version=1\nnode.id=7\ncluster.id=abc\ndirectory.id=xyz\n"
    assert MetaProperties.parse(text) == MetaProperties("abc", 7, 1, "xyz")
    assert "node.id=7\n" in MetaProperties("abc", 7, 1, "xyz").format(0)


def test_escapes_and_spaces_of_the_properties_format():
    assert MetaProperties.parse("! comment\n cluster.id : a\\=b\\u0041\\\\\n").cluster_id == "a=bA\\"


@pytest.mark.parametrize("text", ["version=2\n", "version=x\n", "broker.id=one\n", "cluster.id=\\u00\n"])
def test_a_damaged_file_is_refused(text):
    with pytest.raises(MalformedMetaProperties):
        MetaProperties.parse(text)


def test_no_file_no_properties(tmp_path):
    assert read_meta_properties(str(tmp_path)) is None


def test_dates_are_javas():
    assert java_date(0) == "Thu Jan 01 00:00:00 UTC 1970"
