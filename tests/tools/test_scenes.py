"""The rendered clips move as their labels say, measured by optical flow."""

import csv

import cv2
import numpy as np
import pytest
from motion.camera import SLOWEST, draw_frame, draw_path
from motion.footage import Shot, frames
from motion.heldout import picture as heldout_picture
from motion.motions import LABELS, STATIC, axis_and_sign
from motion.scenes import FLOW_CELLS, SIDE, PicturePool, render, versions


def measured_flow(before, after):
    """Measure the flow of the picture (H, W, 2) in pixels."""
    grays = [cv2.cvtColor(np.ascontiguousarray(f), cv2.COLOR_RGB2GRAY) for f in (before, after)]
    return cv2.calcOpticalFlowFarneback(*grays, None, 0.5, 4, 15, 5, 7, 1.5, 0)


def agreement(one, other):
    """Compute the cosine of two flows."""
    return (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())


def measured_motion(before, after):
    """Compute right, down, larger, clockwise by least squares over the measured flow."""
    flow = measured_flow(before, after)
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width] - np.array((height, width)).reshape(2, 1, 1) / 2
    radius = (x**2 + y**2).mean()
    right, down = flow.mean((0, 1))
    larger = (flow[..., 0] * x + flow[..., 1] * y).mean() / radius
    clockwise = (flow[..., 1] * x - flow[..., 0] * y).mean() / radius
    return np.array((right, down, larger * radius**0.5, clockwise * radius**0.5))


@pytest.mark.slow
@pytest.mark.parametrize("label", range(1, len(LABELS)), ids=LABELS[1:])
def test_rendered_flow_is_that_of_the_pixels(label):
    rng, pool = np.random.default_rng(label), PicturePool(picture=heldout_picture)
    agreements = []
    for _ in range(3):
        [clip] = versions(rng, render(rng, label, pool, strength=0), 1)
        cell = SIDE // FLOW_CELLS
        steps = [
            measured_flow(clip.frames[first + 1], clip.frames[first + 2])
            .reshape(FLOW_CELLS, cell, FLOW_CELLS, cell, 2)
            .mean((1, 3))
            for first in range(0, len(clip.frames), 4)
        ]
        agreements.append(agreement(np.array(steps), clip.flow))
    assert np.median(agreements) > 0.6  # flat areas cannot be measured


@pytest.mark.parametrize("label", range(len(LABELS)), ids=LABELS)
def test_footage_moves_as_it_is_named(label):
    motion = np.zeros(4)
    if label != STATIC:
        axis, sign = axis_and_sign(label)
        motion[axis] = 0.2 * sign
    shot = Shot(label, 320, 240, 30, 1.0, 0, tuple(motion.tolist()), 0.0, 0.0, seed=3)
    filmed = list(frames(shot, heldout_picture(np.random.default_rng(0))))
    found = measured_motion(filmed[10], filmed[13])
    if label == STATIC:
        assert np.abs(found).max() < 0.05
    else:
        expected = 0.2 * 240 * 3 / 30
        assert sign * found[axis] == pytest.approx(expected, rel=0.35)
        assert np.abs(np.delete(found, axis)).max() < expected / 3


@pytest.mark.parametrize("label", range(len(LABELS)), ids=LABELS)
def test_the_named_motion_dominates(label):
    rng = np.random.default_rng(label)
    for _ in range(200):
        motion = draw_path(rng, label, draw_frame(rng, SIDE)).motion
        if label == STATIC:
            assert not motion.any()
            continue
        axis, sign = axis_and_sign(label)
        assert sign * motion[axis] >= SLOWEST
        assert np.linalg.norm(np.delete(motion, axis)) < 0.5 * abs(motion[axis])


def test_the_same_seed_renders_the_same_clip():
    def clip():
        rng = np.random.default_rng(4)
        return render(rng, 5, PicturePool())

    one, other = clip(), clip()
    np.testing.assert_array_equal(one.frames, other.frames)


@pytest.mark.slow
def test_clips_to_train_on_go_on_and_keep_versions_together(tmp_path, monkeypatch):
    import train_motion

    monkeypatch.setattr(train_motion, "NUM_FRAMES", 8)
    make_clips = train_motion.make_clips
    listed = make_clips(tmp_path, 1, seed=0)
    before = listed.read_text()
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.mp4")}
    assert len(times) == 4 * len(LABELS)
    assert make_clips(tmp_path, 1, seed=0).read_text() == before
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.mp4")} == times
    rows = list(csv.DictReader(before.splitlines()))
    assert {row["label"] for row in rows} == set(LABELS)
    assert len({row["group"] for row in rows}) == len(LABELS)
    assert all((tmp_path / row["path"]).exists() for row in rows)
