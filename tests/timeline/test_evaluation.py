"""`vswin evaluate --timeline`: what does not apply is refused, a dry run computes nothing."""

import pytest

from vswin_cli.cli.app import run


@pytest.fixture
def truth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truth.csv").write_text("video,label,start,end\ntour.mp4,static,0,2\n")
    return ["evaluate", "--timeline", "truth.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "t.jsonl", "-k", "3", "--timeout", "9"], "does not use --timeout, --top-k"),
        (["t.jsonl", "--model", "swin-n-motion"], "does not use --model, where ANNOTATIONS"),
        (["-o", "t.jsonl", "--report", "x.html"], "name a folder"),
    ],
)
def test_what_does_not_apply_is_refused(truth, capsys, arguments, message):
    assert run([*truth, *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err


def test_a_dry_run_lists_films(truth, capsys, tmp_path):
    assert run([*truth, "-o", "t.jsonl", "--dry-run"]) == 1
    assert capsys.readouterr().out == "tour.mp4: no file\n"
    (tmp_path / "tour.mp4").touch()
    assert run([*truth, "-o", "t.jsonl", "--dry-run"]) == 0
    assert not (tmp_path / "t.jsonl").exists()
