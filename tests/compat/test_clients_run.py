"""A program's lines become results; whatever it does not say has failed."""

import json

from compat.clients.feats import FEATS
from compat.clients.preparation import Prepared
from compat.clients.run import reported, run
from tests.compat.client_program import client

_ASKED = tuple(feat for feat in FEATS if feat.name in {"produce-gzip", "produce-snappy", "produce-zstd"})


def _results(tmp_path, program, **options):
    fake = client(tmp_path / "fake", program)
    command = ("python3", "program.py")
    ready = Prepared(fake, command, fake.folder, {"PATH": "/usr/bin:/bin:/usr/local/bin"})
    return {result.feat: result for result in run(ready, "a broker", "localhost:1", _ASKED, **options)}


def test_each_line_is_a_result(tmp_path):
    lines = [
        {"feat": "produce-gzip", "ok": True, "detail": "", "seconds": 1.5},
        {"feat": "produce-snappy", "ok": False, "detail": "other\n bytes", "seconds": 2},
    ]
    found = _results(tmp_path, f"print({json.dumps(chr(10).join(map(json.dumps, lines)))})")
    assert (found["produce-gzip"].ok, found["produce-gzip"].seconds) == (True, 1.5)
    assert (found["produce-snappy"].ok, found["produce-snappy"].detail) == (False, "other bytes")


def test_a_feat_without_a_word_has_failed(tmp_path):
    found = _results(tmp_path, "import sys; sys.exit('I give up')")
    assert {result.ok for result in found.values()} == {False}
    assert "ended with status 1" in found["produce-zstd"].detail
    assert "I give up" in found["produce-zstd"].detail


def test_a_truth_that_is_no_boolean_is_no_success(tmp_path):
    found = _results(tmp_path, """print('{"feat": "produce-gzip", "ok": "yes"}')""")
    assert not found["produce-gzip"].ok


def test_a_hanging_program_keeps_what_it_said(tmp_path):
    said = """import time; print('{"feat": "produce-gzip", "ok": true}', flush=True); time.sleep(600)"""
    found = _results(tmp_path, said, timeout_s=1)
    assert found["produce-gzip"].ok
    assert "had not ended after 1 s" in found["produce-zstd"].detail


def test_the_program_is_told_broker_prefix_and_feats(tmp_path):
    program = """import json, sys
_, bootstrap, prefix, feats = sys.argv
print(json.dumps({"feat": "produce-gzip", "ok": True, "detail": f"{bootstrap} {prefix[:5]} {feats}"}))"""
    found = _results(tmp_path, program)
    assert found["produce-gzip"].detail == "localhost:1 fake- produce-gzip,produce-snappy,produce-zstd"


def test_chatter_is_not_a_report():
    assert reported('{"level": "info"}\n[1]\nhello\n{"feat": 1, "ok": true}\n') == {}
