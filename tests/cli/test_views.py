"""`--views` and `--threads`, with the bundled model on the sample videos."""

import json

import pytest
from command import SAMPLES

from vswin_cli.api.options import ViewOptions
from vswin_cli.errors import UsageError
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING, TORCHVISION

FAST, FULL, ADAPTIVE = "fast", "full", "adaptive"


def records(finished):
    assert (finished.returncode, finished.stderr) == (0, "")
    return [json.loads(line) for line in finished.stdout.splitlines()]


@pytest.mark.slow
def test_adaptive_gives_the_best_label_of_all_views_with_fewer(vswin):
    """The best labels of all views are right, as a test of the bundled model shows."""
    videos = sorted(SAMPLES.glob("*.mp4"))
    adaptive = records(vswin("predict", *videos, "--format", "jsonl", "--views", "adaptive"))
    [full] = records(vswin("predict", videos[0], "--format", "jsonl"))
    assert full["num_views_used"] == full["num_distinct_views"]
    for few, video in zip(adaptive, videos, strict=True):
        assert few["predictions"][0]["label"] == video.stem.replace("_", " ")
        assert few["num_distinct_views"] == full["num_distinct_views"]
    assert sum(few["num_views_used"] for few in adaptive) < 9 * full["num_views_used"]


def test_table_says_how_many_views_were_used(vswin):
    finished = vswin("predict", SAMPLES / "pan_left.mp4", "--views", "adaptive")
    assert "4×3 views (12 distinct, 7 used)" in finished.stdout


@pytest.mark.slow
def test_label_does_not_mix_what_was_labelled_by_other_views(vswin, tmp_path):
    video, output = SAMPLES / "static.mp4", tmp_path / "out.jsonl"
    arguments = ("label", video, "-o", output, "--workers", "1", "--threads", "1")
    assert vswin(*arguments).returncode == 0
    full = json.loads(output.read_text())
    refused = vswin(*arguments, "--views", "adaptive")
    assert refused.returncode == 2
    assert "adaptive False → True" in refused.stderr
    assert vswin(*arguments, "--views", "adaptive", "--no-resume").returncode == 0
    adaptive = json.loads(output.read_text())
    assert adaptive["num_views_used"] < full["num_views_used"]
    assert adaptive["settings"] != full["settings"]
    assert "1 skipped" in vswin(*arguments, "--views", "adaptive").stderr


@pytest.mark.parametrize(
    ("views", "choice", "expected"),
    [
        (FAST, (None, None, None), (1, 1)),
        (FAST, (None, 1, 1), (1, 1)),
        (FULL, (None, None, None), (4, 3)),
        (FULL, (None, 4, None), (4, 3)),
        (FULL, ("uniform", None, None), (1, 3)),
        (ADAPTIVE, (None, 10, None), (10, 3)),
        (None, (None, 10, 1), (10, 1)),
    ],
)
def test_names_stand_for_clips_and_crops(views, choice, expected):
    protocol = ViewOptions(views, *choice).protocol_for(KINETICS)
    assert (protocol.num_clips, protocol.num_crops) == expected


@pytest.mark.parametrize(
    ("own", "views", "choice", "message"),
    [
        (
            KINETICS,
            FAST,
            (None, 2, None),
            "--views fast means one clip and one crop, not --clips 2",
        ),
        (KINETICS, FAST, (None, None, 3), "not --crops 3; remove one of the two"),
        (KINETICS, FULL, (None, 1, None), "--views full means 4 clips and 3 crops, not --clips 1"),
        (SOMETHING_SOMETHING, FULL, (None, None, 1), "means 1 clip and 3 crops, not --crops 1"),
        (TORCHVISION, FULL, (None, 1, None), "means 12 clips and 1 crop, not --clips 1"),
    ],
)
def test_contradictions_are_refused(own, views, choice, message):
    with pytest.raises(UsageError, match=message):
        ViewOptions(views, *choice).protocol_for(own)


@pytest.mark.slow
def test_threads_are_what_computes(vswin):
    finished = vswin("predict", SAMPLES / "static.mp4", "-v", "--threads", "1")
    assert "backend: openvino, 1 thread" in finished.stderr
    finished = vswin("predict", SAMPLES / "static.mp4", "--threads", "0")
    assert (finished.returncode, finished.stdout) == (2, "")
