"""Times of frames, and segments of videos by time."""

from pathlib import Path

import numpy as np
import pytest
from clips import encode, numbered_frames, read_number

from vswin_cli.errors import VideoError
from vswin_cli.video.reading import read_video
from vswin_cli.video.timing import Timing
from vswin_cli.views.views import read_views
from vswin_cli.zoo.protocols import SMALL_KINETICS

TIMES = [0, 1000, 1040, 3000]  # milliseconds


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Ninety numbered frames at 30 per second."""
    return encode(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(90), rate=30)


@pytest.mark.parametrize("reader", ["av", "decord"])
def test_clips_have_times_and_videos_a_length(clip, reader):
    views = read_views(clip, (SMALL_KINETICS,), reader)
    properties = views.properties
    assert (properties.width, properties.height) == read_size(clip)
    assert properties.duration_seconds == pytest.approx(3.0)
    assert properties.frames_per_second == pytest.approx(30.0)
    for clip_frames, (start, end) in zip(views.clips, properties.clip_seconds, strict=True):
        assert start == pytest.approx(clip_frames[0] / 30)
        assert end == pytest.approx((clip_frames[-1] + 1) / 30)


def read_size(path):
    height, width, _ = read_video(path, "av", lambda num: [0], np.copy).frames[0].shape
    return width, height


def test_frames_that_come_unevenly_have_their_own_times():
    bounds = Timing(None, np.array(TIMES) / 1000).bounds(4)
    assert bounds.tolist() == [0, 1, 1.04, 3, 4]
    assert Timing(25.0, np.array(TIMES) / 1000).bounds(2).tolist() == [0, 0.04, 0.08]
    assert Timing().bounds(4) is None


def test_a_segment_holds_the_frames_that_are_shown_in_it(clip):
    reading = read_video(clip, "auto", range, read_number, segment=(1.0, 2.0))
    assert reading.frames == {k: k for k in range(30, 60)}
    assert reading.num_frames == 90
    views = read_views(clip, (SMALL_KINETICS,), "auto", segment=(1.0, 2.0))
    assert (views.clips.min(), views.clips.max()) == (30, 58)


def test_a_segment_past_the_end_is_an_error_unless_the_video_is_that_segment(clip):
    whole = read_video(clip, "auto", range, read_number, segment=(40, 43))
    assert len(whole.frames) == 90
    assert whole.warnings == ("it ends before 40 s: used whole, as if already cut to its segment",)
    with pytest.raises(VideoError, match=r"ends at 3.0 s, before 40 to 41 s of it begin") as caught:
        read_video(clip, "auto", range, read_number, segment=(40, 41))
    assert caught.value.kind == "no_segment"
    assert str(caught.value).count("ends at") == 1


def test_samples_of_other_shapes_are_upright(tmp_path):
    path = encode(tmp_path / "odd.mkv", numbered_frames(3, 48, 96))
    assert read_views(Path(path), (SMALL_KINETICS,), "auto").properties.width == 96
