from odradek.log.clean_shutdown import take_marker, write_marker


def test_the_marker_is_kafkas(tmp_path):
    write_marker(str(tmp_path), 25)
    assert (tmp_path / ".kafka_cleanshutdown").read_text() == '{"version":0,"brokerEpoch":25}'


def test_it_is_taken_once(tmp_path):
    write_marker(str(tmp_path), -1)
    assert take_marker(str(tmp_path))
    assert not take_marker(str(tmp_path))


def test_an_old_kafkas_empty_marker_counts(tmp_path):
    (tmp_path / ".kafka_cleanshutdown").touch()
    assert take_marker(str(tmp_path))
