"""Every figure, compared with values computed by hand."""

import json

import pytest

from vswin_cli.errors import UsageError
from vswin_cli.timeline.metrics import (
    Labelled,
    edit_score,
    f1,
    mean_average_precision,
    measure,
    right_seconds,
)
from vswin_cli.timeline.truth import matched, read_predicted, read_truth

TRUTH = {
    "x": [Labelled("a", 0, 10), Labelled("b", 10, 20), Labelled("a", 20, 30)],
    "y": [Labelled("b", 0, 10)],
}
GUESS = {
    "x": [
        Labelled("a", 0, 8, 0.9),  # IoU 0.8
        Labelled("b", 8, 20, 0.6),  # 10 / 12
        Labelled("a", 24, 30, 0.7),  # 0.6
        Labelled("a", 20, 24, 0.8),  # 0.4: a miss from 0.5 on
    ],
    "y": [Labelled("b", 4, 12, 0.5)],  # 6 / 12 = 0.5
}


def test_average_precision_is_that_of_activitynet():
    # a by score: 0.9 right, 0.8 wrong, 0.7 right: recall 1/2 at precision 1, 1 at 2/3.
    assert mean_average_precision(TRUTH, GUESS, 0.5) == pytest.approx((5 / 6 + 1) / 2)
    # a: only the first is right, 1/2 at 1. b: 10/12 is right, then 0.5 is wrong: 1/2 at 1.
    assert mean_average_precision(TRUTH, GUESS, 0.65) == pytest.approx(0.5)
    # a: none at 0.85; b: none.
    assert mean_average_precision(TRUTH, GUESS, 0.85) == 0


def test_average_map_is_the_mean_over_ten_overlaps():
    metrics = measure(TRUTH, GUESS)
    at_least_06 = (5 / 6 + 1 / 2) / 2  # 0.55 and 0.6: b's 0.5 is wrong from 0.55 on
    means = [(5 / 6 + 1) / 2, at_least_06, at_least_06, 0.5, 0.5, 0.5, 0.5, 0, 0, 0]
    # At 0.8 a's 0.8 still counts, and b's 10/12.
    assert list(metrics.map_by_tiou.values()) == pytest.approx(means)
    assert metrics.average_map == pytest.approx(sum(means) / 10)


def test_f1_counts_one_hit_a_true_segment():
    apart = {**GUESS, "x": [*GUESS["x"][:3], Labelled("a", 20, 23)]}
    assert f1(TRUTH, apart, 0.10) == pytest.approx(2 * 4 / 9)  # two guesses share the last a
    assert f1(TRUTH, apart, 0.50) == pytest.approx(2 * 4 / 9)
    assert f1(TRUTH, apart, 0.75) == pytest.approx(2 * 2 / 9)


def test_adjoining_segments_of_one_label_are_one_as_frames_have_it():
    assert f1(TRUTH, GUESS, 0.75) == pytest.approx(2 * 3 / 8)
    assert edit_score(TRUTH["x"], GUESS["x"]) == 1


def test_truth_without_segments_has_no_average_precision():
    metrics = measure({"x": []}, GUESS)
    assert metrics.average_map is None
    assert metrics.map_by_tiou == {}
    assert metrics.edit == 0


def test_edit_score_is_of_the_orders_of_labels():
    true = [Labelled(label, n, n + 1) for n, label in enumerate("abca")]
    assert edit_score(true, [Labelled(label, n, n + 1) for n, label in enumerate("abca")]) == 1
    assert edit_score(true, [Labelled(label, n, n + 1) for n, label in enumerate("aca")]) == 0.75
    assert edit_score(true, []) == 0
    assert edit_score([], []) == 1


def test_frames_count_by_the_time_they_are_shown():
    guess = [Labelled("a", 0, 8), Labelled("b", 8, 20)]
    assert right_seconds(TRUTH["x"], guess, 35) == 8 + 10 + 5  # the last: without a label in both
    assert measure({"x": TRUTH["x"]}, {"x": guess}, {"x": 35}).frame_accuracy == pytest.approx(
        23 / 35
    )


def test_boundaries_are_compared_with_the_nearest():
    assert measure({"x": TRUTH["x"]}, GUESS).boundary_error_seconds == pytest.approx(1)  # 2 and 0


def test_a_film_without_prediction_counts_as_empty():
    metrics = measure(TRUTH, {})
    assert (metrics.average_map, metrics.f1["0.50"], metrics.edit, metrics.frame_accuracy) == (
        0, 0, 0, 0,
    )  # fmt: skip


def test_truth_is_read_and_films_are_found_by_their_files_name(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("video,label,start,end\nx.mp4, pan left,0,2.5\nx.mp4,static,2.5,4\nz,,,\n")
    truth = read_truth(path)
    assert truth["x.mp4"][0] == Labelled("pan left", 0, 2.5)
    assert truth["z"] == []
    record = {
        "video": "deep/x.mp4", "error": None, "duration_seconds": 5,
        "segments": [{"label": "a", "start_seconds": 0, "end_seconds": 1, "probability": 0.5}],
    }  # fmt: skip
    (tmp_path / "out.jsonl").write_text(json.dumps(record) + "\n")
    predicted, missing = matched(truth, read_predicted(tmp_path / "out.jsonl"))
    assert predicted.films == {"x.mp4": [Labelled("a", 0, 1, 0.5)]}
    assert predicted.durations == {"x.mp4": 5}
    assert missing == ["z"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,start,end\na,0,1\n", "has no column video"),
        ("video,label,start,end\nx,a,3,2\n", "line 2: start 3 and end 2"),
        ("video,label,start,end\nx,a,0,nan\n", "are not two increasing times"),
        ("video,label,start,end\n", "has no rows"),
    ],
)
def test_truth_that_makes_no_sense_is_told(text, said, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_truth(tmp_path / "t.csv")
