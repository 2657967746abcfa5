import csv
import io
import json

import pytest

from vswin_cli.formats.table_writer import summary
from vswin_cli.formats.writers import Format, open_writer
from vswin_cli.results import Failure, Prediction, ScoredLabel, Setup

SETUP = Setup("swin-t-k400", "official", "openvino", "float32")
PREDICTION = Prediction(
    video="a, b\n.mp4",
    setup=SETUP,
    num_frames=64,
    clips=((0, 2), (1, 3)),
    num_crops=3,
    num_distinct_views=6,
    num_views_used=6,
    scored_labels=(
        ScoredLabel(1, 'Pretending to put [something], "quoted"', 7, 0.1 + 0.2),
        ScoredLabel(2, "yoga", 398, 1e-17),
    ),
    elapsed_seconds=1.25,
)
FAILURE = Failure("bad\udcff.mp4", SETUP, "no_frames", "cannot read bad: no frame", 0.5)

KEYS = [
    "video",
    "model",
    "protocol",
    "num_frames",
    "clips",
    "num_views",
    "num_distinct_views",
    "num_views_used",
    "backend",
    "precision",
    "predictions",
    "elapsed_seconds",
    "error",
]


def written(output_format, *results):
    stream = io.StringIO(newline="")
    writer = open_writer(output_format, stream)
    for result in results:
        writer.write(result)
    writer.close()
    return stream.getvalue()


def test_json_holds_every_value_unrounded():
    [record, failed] = json.loads(written(Format.JSON, PREDICTION, FAILURE))
    assert list(record) == list(failed) == KEYS
    assert record["video"] == PREDICTION.video
    assert record["clips"] == [[0, 2], [1, 3]]
    assert (record["num_views"], record["num_distinct_views"]) == (6, 6)
    assert record["predictions"] == [
        {"rank": s.rank, "label": s.label, "index": s.index, "probability": s.probability}
        for s in PREDICTION.scored_labels
    ]
    assert record["error"] is None


def test_json_of_a_failure_keeps_the_name_byte_for_byte():
    [failed] = json.loads(written(Format.JSON, FAILURE))
    assert failed["video"] == FAILURE.video
    assert failed["error"] == {"kind": "no_frames", "message": "cannot read bad: no frame"}
    assert failed["num_frames"] is failed["num_views"] is failed["num_distinct_views"] is None
    assert failed["clips"] == failed["predictions"] == []


def test_json_of_an_empty_run_is_an_empty_list():
    assert json.loads(written(Format.JSON)) == []


def test_json_lines_are_the_same_objects_one_a_line():
    lines = written(Format.JSONL, PREDICTION, FAILURE).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(
        written(Format.JSON, PREDICTION, FAILURE)
    )


def test_csv_has_a_row_a_prediction_and_one_a_failure():
    rows = list(csv.DictReader(io.StringIO(written(Format.CSV, PREDICTION, FAILURE), newline="")))
    assert [row["rank"] for row in rows] == ["1", "2", ""]
    assert rows[0]["video"] == PREDICTION.video
    assert rows[0]["label"] == PREDICTION.scored_labels[0].label
    assert float(rows[0]["probability"]) == PREDICTION.scored_labels[0].probability
    assert rows[2]["video"] == FAILURE.video
    assert rows[2]["error_kind"] == "no_frames"
    assert rows[0]["error_kind"] == rows[2]["label"] == ""


def test_piped_table_is_plain_and_keeps_brackets():
    text = written(Format.TABLE, PREDICTION)
    assert "\x1b" not in text
    assert "a, b\\n.mp4" in text
    assert 'Pretending to put [something], "quoted"' in text
    assert "0.3000" in text
    assert "64 frames · 2×3 views (6 distinct) · openvino float32 · 1.2 s" in text


def test_bar_grows_with_the_probability():
    first, second = [
        line
        for line in written(Format.TABLE, PREDICTION).splitlines()
        if line[:4].strip().isdigit()
    ]
    assert first.count("━") == 6
    assert second.count("━") == 0


def test_table_leaves_failures_to_stderr():
    assert written(Format.TABLE, FAILURE) == ""


@pytest.mark.parametrize("output_format", [Format.JSONL, Format.CSV, Format.TABLE])
def test_each_result_is_there_before_the_next_is_computed(output_format, tmp_path):
    path = tmp_path / "out"
    with path.open("w") as stream:
        open_writer(output_format, stream).write(PREDICTION)
        assert "yoga" in path.read_text()


def test_summary_counts_one_frame_in_the_singular():
    one = Prediction("x", SETUP, 1, ((0,),), 1, 1, 1, (), 0.04)
    assert (
        summary(one) == "swin-t-k400 · 1 frame · 1×1 views (1 distinct) · openvino float32 · 0.0 s"
    )
