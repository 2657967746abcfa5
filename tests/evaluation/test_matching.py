"""Matching of rows, and files that the run writes itself."""

import json

import pytest

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.label_names import LabelNames
from vswin_cli.evaluation.matching import is_unmatched_list, match, write_unmatched
from vswin_cli.evaluation.rows import Row
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.runs.records import parsed

OUTCOME = {
    "protocol": "official", "num_clips": 1, "num_crops": 1, "index": 0, "probability": 0.5,
    "true_rank": 1, "true_probability": 0.5, "true_rank_by_views": [1],
    "true_rank_of_centre_crops": None,
}  # fmt: skip
RECORD = {
    "video": "a", "path": "/a", "status": "ok", "bytes": 1, "modified": None, "warnings": [],
    "settings": {"compared": "official 1×1"}, "elapsed_seconds": 1, "predictions": [],
    "error": None, "true_index": 0, "outcomes": [OUTCOME],
}  # fmt: skip


def test_addresses_that_differ_in_their_query_alone_are_refused(tmp_path):
    urls = [f"http://a.b/x.mp4?id={number}" for number in (1, 2, 1)]
    rows = [Row(place, url, 0, url) for place, url in enumerate(urls, 1)]
    with pytest.raises(UsageError, match="two addresses differ only in their secrets"):
        match(rows[:2], LabelNames(("a", "b"), 0), VideoFiles(tmp_path))
    [repeated] = match([rows[0], rows[2]], LabelNames(("a",), 0), VideoFiles(tmp_path)).unmatched
    assert repeated.kind == "repeated"


def test_a_folder_may_be_called_as_a_list_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@cls").mkdir()
    (tmp_path / "@cls/x.mp4").touch()
    assert VideoFiles("@cls").find(Row(1, "x", 0, stems=("x",))).video == "x.mp4"


def test_a_list_of_unmatched_rows_is_known_by_its_header(tmp_path):
    path = tmp_path / "r.unmatched.csv"
    path.write_text("row,mine\n1,2\n")
    assert not is_unmatched_list(path)
    with path.open("w") as stream:
        write_unmatched(stream, [])
    assert is_unmatched_list(path)


@pytest.mark.parametrize(
    "damage",
    [
        {"outcomes": None},
        {"outcomes": []},
        {"outcomes": [{**OUTCOME, "true_rank": "1"}]},
        {"outcomes": [{**OUTCOME, "true_rank_by_views": [1, 2]}]},
        {"true_index": "0"},
    ],
)
def test_a_record_whose_outcomes_cannot_be_read_is_damaged(damage):
    assert parsed(json.dumps(RECORD).encode()) == RECORD
    assert parsed(json.dumps(RECORD | damage).encode()) is None
