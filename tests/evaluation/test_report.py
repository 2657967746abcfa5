"""The files of a report, compared with counts by hand."""

import csv
import json

import pytest

from vswin_cli.evaluation.figures import compute_figures
from vswin_cli.evaluation.matching import Matched, Unmatched
from vswin_cli.evaluation.metrics import share
from vswin_cli.evaluation.report import REPORT_FILES, write_report
from vswin_cli.runs.videos import Found
from vswin_cli.zoo.catalog import find_model

UNMATCHED = [Unmatched(9, "gone.mp4", "abseiling", "no_file", "no file gone.mp4 in .")]
OTHER = "arranging flowers"  # class 7


def record(name, truth, predicted, rank, probability):
    outcome = {
        "num_clips": 1,
        "num_crops": 1,
        "index": predicted,
        "probability": probability,
        "true_rank": rank,
        "true_rank_by_views": [rank],
        "true_rank_of_centre_crops": None,
    }
    outcomes = [{**outcome, "protocol": protocol} for protocol in ("official", "mmaction2")]
    return {"video": name, "status": "ok", "true_index": truth, "outcomes": outcomes}


@pytest.fixture
def figures():
    records = [
        record("a", 0, 0, 1, 0.9),
        record("b", 0, 7, 6, 0.7),
        record("c", 0, 7, 2, 0.5),
        record("d", 7, 7, 1, 0.9),
        {
            "video": "e\udce9",
            "status": "failed",
            "true_index": 7,
            "error": {"kind": "empty", "message": "cannot read e"},
        },
    ]
    found = [Found(each["video"], each["video"]) for each in [*records, {"video": "not yet"}]]
    return compute_figures(find_model("swin-t-k400"), Matched(found, {}, UNMATCHED), records)


def rows(path):
    with path.open(errors="surrogateescape", newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_every_file_says_what_was_counted(figures, tmp_path):
    write_report(tmp_path / "new" / "report", figures)
    folder = tmp_path / "new" / "report"
    assert sorted(path.name for path in folder.iterdir()) == sorted(REPORT_FILES)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["rows"], metrics["evaluated"], metrics["not_yet_done"]) == (7, 4, 1)
    assert metrics["failed"] == {"total": 1, "empty": 1}
    assert metrics["unmatched"] == {"total": 1, "no_file": 1}
    assert metrics["published"] == {"protocol": "official 4×3", "top1": 0.788, "top5": 0.936}
    for protocol in metrics["protocols"]:
        half = share(2, 4)
        assert protocol["top1"] == {"value": 0.5, "low": half.low, "high": half.high}
        assert protocol["top5"]["value"] == 0.75
        assert protocol["mean_class_accuracy"]["value"] == pytest.approx((1 / 3 + 1) / 2)
        assert protocol["mean_class_accuracy"]["classes"] == 2
        reliability = protocol["calibration"]["reliability"]
        assert len(reliability) == protocol["calibration"]["bins"] == 15
        assert [row["videos"] for row in reliability if row["videos"]] == [1, 1, 2]
        error = (0.5 + 0.7 + 2 * 0.1) / 4
        assert protocol["calibration"]["expected_calibration_error"] == pytest.approx(error)
        assert [row["views"] for row in protocol["by_views"]] == ["1"]
    assert rows(folder / "per_class.csv")[:2] == [
        [*("official 1×1", "0", "abseiling", "3", "1", "0.333333", "2", "0.666667", "7", OTHER)],
        ["official 1×1", "7", OTHER, "1", "1", "1.0", "1", "1.0", "", ""],
    ]
    assert [row[0] for row in rows(folder / "per_class.csv")] == ["official 1×1"] * 2 + [
        "mmaction2 1×1"
    ] * 2
    assert rows(folder / "confused.csv")[0] == [
        *("official 1×1", "0", "abseiling", "7", OTHER, "2", "0.666667")
    ]
    wrong = rows(folder / "wrong.csv")
    assert wrong[0] == ["official 1×1", "b", "0", "abseiling", "7", OTHER, "0.7", "6"]
    assert [row[1] for row in wrong] == ["b", "c"] * 2
    assert rows(folder / "failed.csv") == [["e\udce9", "7", OTHER, "empty", "cannot read e"]]
    assert rows(folder / "unmatched.csv") == [
        ["9", "gone.mp4", "abseiling", "no_file", "no file gone.mp4 in ."]
    ]


def test_report_of_no_video_says_so(tmp_path):
    figures = compute_figures(find_model("swin-t-k400"), Matched([], {}, UNMATCHED), [])
    write_report(tmp_path, figures)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["evaluated"], metrics["protocols"]) == (0, [])
    assert rows(tmp_path / "per_class.csv") == []
