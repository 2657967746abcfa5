"""Times of frames, and segments of videos by time."""

from pathlib import Path

import numpy as np
import pytest
from clips import encode, numbered_frame, numbered_frames, read_number, remux
from footage import with_sound_from_0

from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import FrameSequence
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
    assert Timing(25.0, start=1.0).bounds(2).tolist() == [1, 1.04, 1.08]
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


@pytest.mark.parametrize(
    ("segment", "warnings"),
    [
        ((2, 3.9), ()),
        ((2, 8), ("it is shown from 0.0 to 3.0 s, so 2.0 to 3.0 s is used instead of 2 to 8 s",)),
    ],
)
def test_a_segment_that_the_video_holds_a_part_of_is_told_of(clip, segment, warnings):
    reading = read_video(clip, "auto", range, read_number, segment=segment)
    assert reading.frames == {k: k for k in range(60, 90)}
    assert reading.warnings == warnings


@pytest.mark.parametrize("reader", ["av", "decord"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_segments_count_from_the_start_that_players_show(tmp_path, suffix, reader):
    path = with_sound_from_0(tmp_path / f"late.{suffix}", first_seconds=2, seconds=6)
    reading = read_video(path, reader, range, read_number, segment=(3, 4))
    assert reading.frames == {k: k for k in range(25, 50)}
    starts = [frame.start_seconds for frame in FrameSequence(path)]
    assert reading.bounds[:-1] == pytest.approx(starts)
    views = read_views(path, (SMALL_KINETICS,), reader)
    properties = views.properties
    assert properties.clip_seconds[0][0] == pytest.approx(2 + views.clips[0][0] / 25)
    assert properties.duration_seconds == pytest.approx(4)
    assert properties.frames_per_second == pytest.approx(25)
    with pytest.raises(VideoError, match=r"its first frame is shown at 2.0 s, after 0 to 1 s"):
        read_video(path, reader, range, read_number, segment=(0, 1))


def test_frames_of_joined_streams_follow_each_other(tmp_path):
    """The second stream's times lie between those of the first."""
    path = tmp_path / "joined.ts"
    parts = [
        encode(
            tmp_path / f"{first}.ts",
            (numbered_frame(k) for k in range(first, first + 100)),
            timestamps=[delay + 40 * k for k in range(100)],
        )
        for first, delay in ((0, 0), (100, 11))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    reading = read_video(path, "av", range, read_number, segment=(3, 5))
    assert reading.frames == {k: k for k in range(75, 125)}
    assert reading.bounds == pytest.approx(np.arange(201) / 25, abs=1e-3)
    assert "time stamps jump once; the video is assumed to continue" in reading.warnings


@pytest.mark.parametrize("lost", [b"\0\0\0\2\x09\xf0", b"\xff" * 60], ids=["empty", "noise"])
def test_frames_keep_their_times_if_one_of_them_is_lost(tmp_path, lost):
    times = [40 * k if k < 100 else 4000 + 200 * (k - 100) for k in range(200)]
    options = {"bf": "0", "g": "1"}
    whole = encode(tmp_path / "a.mkv", numbered_frames(200), timestamps=times, options=options)
    path = remux(tmp_path / "b.mkv", whole, change=lambda k, old: lost if k == 50 else old)
    reading = read_video(path, "av", range, read_number, segment=(10, 20))
    assert reading.num_frames == 199
    assert reading.frames == {k: k + 1 for k in range(129, 179)}
    assert reading.bounds[reading.span.start] == pytest.approx(10)


def test_samples_of_other_shapes_are_upright(tmp_path):
    path = encode(tmp_path / "odd.mkv", numbered_frames(3, 48, 96))
    assert read_views(Path(path), (SMALL_KINETICS,), "auto").properties.width == 96
