"""torchvision's test protocol for its video models: its clips, its scale, its crop."""

import json
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from clips import encode
from command import SAMPLES

from vswin_cli.api.options import ViewOptions
from vswin_cli.errors import UsageError
from vswin_cli.views.sampling import clip_indices
from vswin_cli.views.views import crop_offsets, read_views, resize_and_crop
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING, TORCHVISION, Sampling

CASES = json.loads((Path(__file__).parents[1] / "data/sampling_torchvision.json").read_text())


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda c: f"{c['num_frames']}@{c['rate']:.2f}")
def test_clips_are_those_of_torchvision(case):
    clips = clip_indices(case["num_frames"], TORCHVISION, case["rate"])
    assert clips.shape == (12, 32)
    assert clips[:, 0].tolist() == case["first"]
    assert clips[:, -1].tolist() == case["last"]
    assert clips[6].tolist() == case["middle"]


@pytest.mark.parametrize(("num_frames", "rate"), [(1, 29.97), (1, 60.0), (10, 30.0), (63, 30.0)])
def test_a_video_shorter_than_a_clip_starts_over(num_frames, rate):
    clips = clip_indices(num_frames, TORCHVISION, rate)
    assert (clips[0, 0], clips.max() < num_frames) == (0, True)
    assert len(np.unique(clips, axis=0)) == 1


def test_frames_without_a_rate_are_taken_as_they_are():
    assert clip_indices(43, TORCHVISION)[:, 0].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("height", "width", "scaled", "offset"),
    [
        (720, 1280, (256, 455), (16, 116)),  # of 455.1, and of 115.5
        (1280, 720, (455, 256), (116, 16)),
        (480, 640, (256, 341), (16, 58)),  # of 341.3, and of 58.5
        (300, 300, (256, 256), (16, 16)),
        (224, 224, (256, 256), (16, 16)),
    ],
)
def test_the_short_side_becomes_256_and_the_crop_is_the_centre(height, width, scaled, offset):
    assert crop_offsets(*scaled, TORCHVISION) == (offset,)
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    kept = resize_and_crop(frame, TORCHVISION)
    assert kept.crop(0).shape == (224, 224, 3)


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_pixels_are_torchvisions_within_rounding(apart):
    frame = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    frame = np.repeat(np.repeat(frame[::8, ::8], 8, 0), 8, 1)
    theirs = apart(seen_by_torchvision, frame)  # with TensorFlow in one process, it crashes
    ours = resize_and_crop(frame, TORCHVISION).crop(0)
    assert np.abs(theirs * 255 - ours).max() < 2


def seen_by_torchvision(frame):
    """Scale and crop a frame (H, W, 3); return values from 0 to 1."""
    import torch
    from torchvision.transforms._presets import VideoClassification

    transform = VideoClassification(
        crop_size=(224, 224), resize_size=(256,), mean=(0.0,) * 3, std=(1.0,) * 3
    )
    seen = transform(torch.tensor(frame).permute(2, 0, 1)[None])
    return seen.permute(1, 2, 3, 0)[0].numpy()


def test_the_rate_comes_from_the_file():
    views = read_views(SAMPLES / "pan_left.mp4", (TORCHVISION,), "auto")
    rate = views.properties.frames_per_second
    np.testing.assert_array_equal(
        views.clips, clip_indices(views.num_frames, TORCHVISION, round(rate, 3))
    )


@pytest.mark.parametrize("reader", ["av", "decord"])
def test_a_variable_rate_counts_as_its_average(reader, tmp_path):
    times = [*range(0, 4000, 50), *range(4000, 10_000, 25)]  # 20, then 40 frames per second
    frames = (np.full((64, 64, 3), number % 256, np.uint8) for number in range(len(times)))
    path = encode(tmp_path / "variable.mp4", frames, timestamps=times)
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate)
    assert rate == pytest.approx(32, abs=0.5)
    views = read_views(path, (TORCHVISION,), reader)
    np.testing.assert_array_equal(views.clips, clip_indices(320, TORCHVISION, rate))


def test_the_protocol_brings_its_clips_and_crops_and_leaves_them_behind():
    assert find_model("swin-t-k400-torchvision").protocol == TORCHVISION
    for usual in (KINETICS, SOMETHING_SOMETHING):
        there = usual.adapted(Sampling.TORCHVISION)
        assert (there.num_clips, there.num_crops, there.short_side) == (12, 1, 256)
    assert KINETICS.adapted(Sampling.TORCHVISION, num_clips=2).num_clips == 2
    assert TORCHVISION.adapted(num_clips=3).num_clips == 3
    back = TORCHVISION.adapted(Sampling.OFFICIAL)
    assert (back.num_clips, back.num_crops, back.short_side) == (4, 3, 224)
    assert TORCHVISION.adapted(Sampling.UNIFORM).num_clips == 1


def test_it_is_compared_with_no_other():
    with pytest.raises(UsageError, match="compared with no other"):
        ViewOptions(protocol="official,torchvision").protocols_for(KINETICS)
