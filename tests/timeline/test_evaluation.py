"""`vswin evaluate --timeline`: unused options are refused, a dry run computes nothing."""

import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from clips import encode
from command import SAMPLES

from vswin_cli.cli.app import run
from vswin_cli.errors import UsageError
from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.timeline.metrics import Labelled
from vswin_cli.timeline.options import TimelineOptions
from vswin_cli.timeline.truth import Predicted, matched, read_truth


@pytest.fixture
def truth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truth.csv").write_text("video,label,start,end\ntour.mp4,static,0,2\n")
    return ["evaluate", "--timeline", "truth.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "t.jsonl", "-k", "3", "--timeout", "9"], "does not use --top-k"),
        (["t.jsonl", "--model", "swin-n-motion"], "does not use --model if ANNOTATIONS"),
        (["-o", "t.jsonl", "--report", "t.jsonl"], "is also the --output"),
        (["-o", "t.jsonl", "--report", "no/x.html"], "no folder no; make it first"),
    ],
)
def test_what_does_not_apply_is_refused(truth, capsys, tmp_path, arguments, message):
    (tmp_path / "tour.mp4").touch()
    assert run([*truth, *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err


def test_a_report_is_a_page_or_a_folder_with_the_metrics(truth, capsys, tmp_path):
    (tmp_path / "said.csv").write_text("video,label,start,end\ntour.mp4,static,0,1.5\n")
    (tmp_path / "tour.mp4").symlink_to(SAMPLES / "films" / "tour.mp4")  # elsewhere: not shown
    assert run(["evaluate", "said.csv", *truth[1:], "--report", "page.html"]) == 0
    assert capsys.readouterr().out.endswith("report: page.html\n")
    assert run(["evaluate", "said.csv", *truth[1:], "--report", "folder", "-q"]) == 0
    assert "report:" not in capsys.readouterr().out
    page = (tmp_path / "page.html").read_text()
    assert (tmp_path / "folder" / "index.html").read_text() == page
    assert '["frame accuracy","75.0 %"]' in page
    assert '"truth":[{"start":0.0,"end":2.0,"label":"static","probability":1.0}]' in page
    assert '"file":null' in page
    assert json.loads((tmp_path / "folder" / "metrics.json").read_text())["frame_accuracy"] == 0.75


def test_films_are_found_by_their_path_or_else_by_a_unique_name():
    truth = {"a/x.mp4": [], "b/x.mp4": [], "tour": [], "c/none.mp4": []}
    films = {name: [] for name in ("set/a/x.mp4", "set/b/x.mp4", "films/tour")}
    found, missing = matched(truth, Predicted(films, {"set/b/x.mp4": 3.0}), Path("set"))
    assert list(found.films) == ["a/x.mp4", "b/x.mp4", "tour"]
    assert found.durations == {"b/x.mp4": 3.0}
    assert missing == ["c/none.mp4"]
    assert matched(truth, Predicted(films, {}))[1] == ["a/x.mp4", "b/x.mp4", "c/none.mp4"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,b,2,1,0.5", "start 2 and end 1 are not two increasing times"),
        ("a,b,1,2,high", "probability high is not from 0 to 1"),
        (",b,1,2,0.5", "names no video"),
    ],
)
def test_what_is_wrong_with_a_row_is_told(row, said, tmp_path):
    (tmp_path / "t.csv").write_text(f"video,label,start,end,probability\n{row}\n")
    with pytest.raises(UsageError, match=f"line 2:? {said}"):
        read_truth(tmp_path / "t.csv")


@pytest.mark.parametrize("output", ["made.csv", "made.srt"])
def test_a_film_without_segments_counts_in_any_format(output, vswin, monkeypatch, tmp_path):
    sure = functools.partial(TimelineOptions, min_probability=1)
    monkeypatch.setattr("vswin_cli.cli.timeline_evaluation.TimelineOptions", sure)
    noise = np.random.default_rng(0).integers(0, 256, (8, 96, 96, 3), np.uint8)
    encode(tmp_path / "x.mp4", noise)
    (tmp_path / "truth.csv").write_text("video,label,start,end\nx.mp4,static,0,0.2\n")
    made = vswin("evaluate", "--timeline", "truth.csv", "-o", output)
    assert made.returncode == 0, made.stderr
    assert re.search(r"segments, predicted +0\n", made.stdout)
    if output == "made.csv":
        found = vswin("evaluate", output, "--timeline", "truth.csv")
        assert (found.returncode, found.stdout) == (1, "")
        assert "made.csv does not have films without segments; evaluate a .jsonl" in found.stderr


def test_labels_that_no_timeline_has_are_told(truth, capsys, tmp_path):
    (tmp_path / "said.csv").write_text("video,label,start,end\ntour.mp4,Static,0,2\n")
    assert run(["evaluate", "said.csv", *truth[1:]]) == 0
    said = "warning: no timeline has the label 'static' of truth.csv; check the spelling\n"
    assert capsys.readouterr().err == said


def test_names_that_look_like_formulas_are_read_as_they_were(tmp_path):
    with (tmp_path / "said.csv").open("w") as stream:
        rows = CsvRows(stream)
        rows.write(["video", "label", "start", "end"])
        rows.write(["-a.mp4", "=b", "0.0", "1.0"])
    assert read_truth(tmp_path / "said.csv") == {"-a.mp4": [Labelled("=b", 0, 1)]}


def test_a_dry_run_lists_films(truth, capsys, tmp_path):
    assert run([*truth, "-o", "t.jsonl", "--dry-run"]) == 1
    assert capsys.readouterr().out == "tour.mp4: no file\n"
    (tmp_path / "tour.mp4").touch()
    assert run([*truth, "-o", "t.jsonl", "--dry-run"]) == 0
    assert not (tmp_path / "t.jsonl").exists()
