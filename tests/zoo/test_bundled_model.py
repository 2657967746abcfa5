"""`swin-n-motion` for users: the sample videos, and clips that it was not trained on."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from command import SAMPLES
from motion import footage
from motion.judging import accuracy, judge_footage, judge_synthetic, photographs
from motion.motions import LABELS, Symmetry

from vswin_cli import load_model
from vswin_cli.engines.registry import load_engine
from vswin_cli.zoo.models import SWIN_N_MOTION

VIDEOS = sorted(SAMPLES.glob("*.mp4"))
ONE_OF_EACH = ("static", "pan_left", "tilt_up", "zoom_in", "roll_clockwise")
MIRROR = Symmetry(left_right=True, up_down=False, transposed=False, reversed=False)
BACKWARDS = Symmetry(left_right=False, up_down=False, transposed=False, reversed=True)


def true_label(path):
    return path.stem.replace("_", " ")


@pytest.fixture
def best(vswin):
    """The most probable label of each video: `best(videos, "--clips", "1")`."""

    def best_labels(videos, *arguments, run=vswin):
        finished = run("predict", *videos, "--format", "jsonl", *arguments)
        assert (finished.returncode, finished.stderr) == (0, "")
        results = [json.loads(line) for line in finished.stdout.splitlines()]
        return [result["predictions"][0] for result in results]

    return best_labels


def decoded(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def engine(cache):
    return load_engine(
        SWIN_N_MOTION,
        SWIN_N_MOTION.weights_path,
        backend="openvino",
        precision="float32",
        view_size=SWIN_N_MOTION.protocol.view_size,
        cache_folder=cache / "graphs",
        spares_keras=True,
    )


def test_there_is_a_sample_video_of_every_class():
    assert sorted(map(true_label, VIDEOS)) == sorted(LABELS)
    assert sum(path.stat().st_size for path in VIDEOS) < 5_000_000


@pytest.mark.slow
def test_sample_videos_are_named_right_and_surely(best):
    answers = best(VIDEOS)
    assert [answer["label"] for answer in answers] == [true_label(path) for path in VIDEOS]
    assert min(answer["probability"] for answer in answers) >= 0.8


@pytest.mark.slow
def test_tensorflow_agrees_with_openvino_and_is_silent(best, vswin_process):
    options = [[SAMPLES / "pan_left.mp4"], "--views", "fast", "--backend"]
    [expected] = best(*options, "openvino")
    [answer] = best(*options, "tensorflow", run=vswin_process)
    assert answer["label"] == expected["label"]
    assert answer["probability"] == pytest.approx(expected["probability"], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [MIRROR, BACKWARDS], ids=["mirrored", "backwards"])
def test_what_is_done_to_the_picture_is_done_to_the_answer(cache, symmetry):
    """One of each pair of opposite motions, and none."""
    model = load_model(views="fast", cache_dir=cache)
    for path in (SAMPLES / f"{name}.mp4" for name in ONE_OF_EACH):
        frames = np.ascontiguousarray(symmetry.of_clip(decoded(path)))
        label = symmetry.of_label(LABELS.index(true_label(path)))
        assert model.predict(frames).scored_labels[0].label == LABELS[label]


def test_table_says_which_model_answered_and_how_to_get_actions(vswin):
    video = SAMPLES / "static.mp4"
    lines = vswin("predict", video).stdout.splitlines()
    assert lines[-2].startswith("swin-n-motion · 72 frames · 4×3 views (12 distinct) · ")
    assert lines[-1] == (
        "swin-n-motion is the bundled model, which names the camera's motion; "
        "for actions: --model swin-b-k400"
    )
    for machine_format in ("json", "jsonl", "csv"):
        run = vswin("predict", video, "--format", machine_format, "--views", "fast")
        assert run.returncode == 0
        assert "bundled" not in run.stdout


def test_weights_commands_leave_the_bundled_file_alone(vswin):
    run = vswin("weights", "path", "swin-n-motion")
    assert Path(run.stdout.strip()) == SWIN_N_MOTION.weights_path
    assert "swin-n-motion" not in vswin("weights", "list").stdout
    for command in (["download-weights"], ["weights", "remove"], ["weights", "verify"]):
        run = vswin(*command, "swin-n-motion")
        assert run.returncode == 2
        assert "bundled with vswin" in run.stderr
    assert SWIN_N_MOTION.weights_path.is_file()


@pytest.mark.slow
def test_unseen_synthetic_clips_are_named_right(engine):
    """The first clips of the card's test, one of each class."""
    assert accuracy(list(judge_synthetic(engine, 9))) == 1


@pytest.mark.slow
def test_footage_over_photographs_is_named_right(engine, monkeypatch):
    """Like the card's test, without sizes and rates that take long to encode."""
    monkeypatch.setattr(footage, "SIZES", footage.SIZES[:3])
    monkeypatch.setattr(footage, "RATES", footage.RATES[:3])
    assert accuracy(list(judge_footage(engine, photographs(), 9))) >= 0.88
