import csv
import io
import json
from dataclasses import replace

import pytest

from vswin_cli.formats.registry import format_named
from vswin_cli.formats.table_writer import summary
from vswin_cli.formats.writer import open_writer
from vswin_cli.results import Failure, Prediction, ScoredLabel, Setup, VideoProperties

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
    warnings=("2 packets are damaged", "no end"),
    properties=VideoProperties(640, 360, 64 / 30, 30.0, ((0.0, 0.1), (1 / 30, 2 / 15))),
)
FAILURE = Failure("bad\udcff.mp4", SETUP, "no_frames", "cannot read bad: no frame", 0.5)

KEYS = list(PREDICTION.to_dict())


def written(name, *results):
    stream = io.StringIO(newline="")
    with open_writer(format_named(name), stream, top_k=2) as writer:
        for result in results:
            writer.write(result.to_dict())
    return stream.getvalue()


def test_json_holds_every_value_unrounded():
    [record, failed] = json.loads(written("json", PREDICTION, FAILURE))
    assert list(record) == list(failed) == KEYS
    assert (record["width"], record["height"]) == (640, 360)
    assert record["duration_seconds"] == 2.133333
    assert record["clip_seconds"] == [[0.0, 0.1], [0.033333, 0.133333]]
    assert record["video"] == PREDICTION.video
    assert record["clips"] == [[0, 2], [1, 3]]
    assert (record["num_views"], record["num_distinct_views"]) == (6, 6)
    assert record["predictions"] == [
        {"rank": s.rank, "label": s.label, "index": s.index, "probability": s.probability}
        for s in PREDICTION.scored_labels
    ]
    assert record["error"] is None


def test_json_of_a_failure_keeps_the_name_byte_for_byte():
    [failed] = json.loads(written("json", FAILURE))
    assert failed["video"] == FAILURE.video
    assert failed["error"] == {"kind": "no_frames", "message": "cannot read bad: no frame"}
    assert failed["num_frames"] is failed["num_views"] is failed["num_distinct_views"] is None
    assert failed["clips"] == failed["predictions"] == []


def test_json_of_an_empty_run_is_an_empty_list():
    assert json.loads(written("json")) == []


def test_json_lines_are_the_same_objects_one_a_line():
    lines = written("jsonl", PREDICTION, FAILURE).splitlines()
    assert [json.loads(line) for line in lines] == json.loads(written("json", PREDICTION, FAILURE))


def test_csv_has_a_row_per_video():
    rows = list(csv.DictReader(io.StringIO(written("csv", PREDICTION, FAILURE), newline="")))
    assert [row["status"] for row in rows] == ["ok", "failed"]
    assert rows[0]["video"] == PREDICTION.video
    for scored in PREDICTION.scored_labels:
        assert rows[0][f"label_{scored.rank}"] == scored.label
        assert float(rows[0][f"probability_{scored.rank}"]) == scored.probability
    assert rows[0]["clip_seconds"] == "0.0-0.1; 0.033333-0.133333"
    assert rows[0]["frames_per_second"] == "30.0"
    assert rows[0]["warnings"] == "2 packets are damaged; no end"
    assert rows[1]["video"] == FAILURE.video
    assert rows[1]["error_kind"] == "no_frames"
    assert rows[0]["error_kind"] == rows[1]["label_1"] == rows[1]["warnings"] == ""


@pytest.mark.parametrize("name", ["a\rb", 'a"b', "a,b", "=1+1", "+1", "-1", "@x", "\t", "\r", "'a"])
def test_no_cell_splits_its_row_or_is_a_formula(name):
    text = written("csv", replace(PREDICTION, video=name), PREDICTION)
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert second["video"] == PREDICTION.video
    assert not first["video"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert (
        first["video"].removeprefix("'") == name.removeprefix("'") or first["video"] == f"'{name}"
    )
    assert '"a\rb"' in text or name != "a\rb"


def test_table_shows_no_control_or_direction_characters():
    odd = "\x1b[31m\u202e red"
    scored = (ScoredLabel(1, odd, 0, 0.5),)
    text = written("table", replace(PREDICTION, video=odd, scored_labels=scored))
    assert not {"\x1b", "\u202e"} & set(text)
    assert text.count("\\x1b[31m\\u202e red") == 2


def test_piped_table_is_plain_and_keeps_brackets():
    text = written("table", PREDICTION)
    assert "\x1b" not in text
    assert "a, b\\n.mp4" in text
    assert 'Pretending to put [something], "quoted"' in text
    assert "0.3000" in text
    assert "64 frames · 2×3 views (6 distinct) · openvino float32 · 1.2 s" in text


def test_bar_grows_with_the_probability():
    first, second = [
        line for line in written("table", PREDICTION).splitlines() if line[:4].strip().isdigit()
    ]
    assert first.count("━") == 6
    assert second.count("━") == 0


def test_table_leaves_failures_to_stderr():
    assert written("table", FAILURE) == ""


@pytest.mark.parametrize("output_format", ["jsonl", "csv", "table"])
def test_each_result_is_there_before_the_next_is_computed(output_format, tmp_path):
    path = tmp_path / "out"
    with open_writer(format_named(output_format), path, top_k=2) as writer:
        writer.write(PREDICTION.to_dict())
        assert "yoga" in path.read_text()


def test_summary_counts_one_frame_in_the_singular():
    one = Prediction("x", SETUP, 1, ((0,),), 1, 1, 1, (), 0.04).to_dict()
    views = "1 frame · 1×1 views (1 distinct)"
    assert summary(one) == f"swin-t-k400 · {views} · openvino float32 · 0.0 s"
