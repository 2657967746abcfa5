"""Films with uneven frame times are seen as players show them."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from clips import encode, numbered_frame
from command import SAMPLES
from film_engine import Counting, watched

import vswin_cli
from vswin_cli.films.pace import Pace
from vswin_cli.films.sequence import FrameSequence, TimedFrame
from vswin_cli.video.clock import usual_seconds

LOSSLESS = {"qp": "0", "preset": "ultrafast"}


@pytest.fixture(scope="module")
def model():
    return vswin_cli.load_model(crops=1)


@pytest.fixture(scope="module")
def motion():
    """Make frames of a pan to the left, then of a zoom."""
    names = ("pan_left.mp4", "zoom_in.mp4")
    return [f.pixels[::3, ::3].copy() for name in names for f in FrameSequence(SAMPLES / name)]


def rendered(times, rate):
    """Return which of the frames a player shows at an even rate."""
    count = round(times[-1] / 1000 * rate)
    shown = np.searchsorted(times, np.arange(count) * 1000 / rate + 1e-3, side="right") - 1
    return shown.tolist()


FILMS = {
    "a long hold": (lambda n: [1000 / 24] * 36 + [10_000] + [1000 / 24] * (n - 37), 24),
    "dropped frames": (lambda n: [1000 / 30 * (1 + (k % 7 == 3) + (k % 11 == 5)) for k in range(n)],
                       30),
    "half the rate": (lambda n: [20 if k < n // 2 else 40 for k in range(n)], 50),
    "many holds": (lambda n: [3000 if k % 36 == 20 else 1000 / 30 for k in range(n)], 30),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FILMS)
def test_an_uneven_film_has_the_timeline_of_its_even_rendering(name, model, motion, tmp_path):
    make, rate = FILMS[name]
    times = np.cumsum([0, *make(len(motion))]).round().astype(int).tolist()
    uneven = encode(tmp_path / "u.mkv", motion, timestamps=times, options=LOSSLESS)
    even = (motion[k] for k in rendered(times, rate))
    even = encode(tmp_path / "e.mkv", even, rate=rate, options=LOSSLESS)
    # Between the holds are 1.2 s of motion.
    found, wanted = (model.timeline(path, min_seconds=1.0) for path in (uneven, even))
    assert [s.label for s in found.segments] == [s.label for s in wanted.segments]
    for one, other in zip(found.segments, wanted.segments, strict=True):
        assert one.start_seconds == pytest.approx(other.start_seconds, abs=0.35)
        assert one.end_seconds == pytest.approx(other.end_seconds, abs=0.35)
    apart = np.abs(found.probabilities - wanted.probabilities)
    assert np.nanmean(apart) < 0.02


def test_a_picture_that_stands_for_minutes_is_static_and_told_of(model, motion, tmp_path):
    steps = [42] * 72
    steps[36] = 200_000
    times = np.cumsum([0, *steps]).tolist()
    path = encode(tmp_path / "v.mkv", motion[:72], timestamps=times)
    timeline = model.timeline(path)
    assert [s.label for s in timeline.segments] == ["pan left", "static", "pan left"]
    hold = timeline.segments[1]
    assert hold.start_seconds == pytest.approx(times[36] / 1000, abs=0.2)
    assert hold.end_seconds == pytest.approx(times[37] / 1000, abs=0.2)
    assert timeline.warnings == (
        "1 frame is held for 3:20.0, from 1.5 s on: still pictures, or gaps",
    )


@pytest.mark.slow
def test_a_picture_that_stands_for_long_takes_no_memory_and_few_windows():
    class Held:
        duration_seconds, pace_seconds, warnings = None, 0.04, ()

        def __iter__(self):
            for index in range(60):
                start = index * 0.04 + 300 * (index > 30)
                end = 301.24 if index == 30 else start + 0.04
                yield TimedFrame(index, start, end, numbered_frame(index, 64, 64))

    engine = Counting()
    tracemalloc.start()
    timeline = watched(Held(), engine)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert timeline.num_windows > 1000
    assert engine.num_computed < 20
    assert most < 10e6


@pytest.mark.parametrize(("first", "later"), [(0, 0), (0, 9_000_000), (10_000, 0)])
def test_time_stamps_that_start_over_go_on(first, later, motion, tmp_path):
    once, again = (
        encode(
            tmp_path / f"{name}.ts",
            motion[:48],
            timestamps=[start + round(1000 / 24 * k) for k in range(48)],
        )
        for name, start in (("once", first), ("again", later))
    )
    (tmp_path / "twice.ts").write_bytes(once.read_bytes() + again.read_bytes())
    sequence = FrameSequence(tmp_path / "twice.ts")
    starts = [frame.start_seconds for frame in sequence][-96:]  # the first decode finds a gap
    assert starts[0] == pytest.approx(0, abs=1e-3)
    assert np.diff(starts) == pytest.approx(1 / 24, abs=0.005)
    assert "time stamps jump once; the video is assumed to continue" in sequence.warnings


@pytest.mark.parametrize(("name", "last"), [("states-ends.mp4", 400), ("states-none.ts", 120)])
def test_a_frame_ends_when_it_says_or_after_the_usual_time(name, last, tmp_path):
    times = [0, 40, 80, last, last + 40]
    frames = map(numbered_frame, range(5))
    path = encode(tmp_path / name, frames, rate=25, timestamps=times, options={"bf": "0"})
    ends = [frame.end_seconds for frame in FrameSequence(path)]
    assert ends == pytest.approx(np.array([*times[1:], last + 80]) / 1000, abs=1e-3)


@pytest.mark.parametrize(
    ("gaps", "usual"),
    [
        ([40] * 50, 40),
        ([33, 33, 34] * 20, 33),
        ([40] * 20 + [200_000] + [40] * 20, 40),
        ([1, 66] * 30, 33.5),  # frames in pairs
        ([41.7] * 100 + [16.7] * 200, 16.7),
        ([40, 40, 80, 40, 120] * 20, 50),
        ([5000] * 30, 5000),
        ([40], 40),
    ],
)
def test_the_usual_time_of_a_frame_is_that_of_those_that_are_not_held(gaps, usual):
    assert usual_seconds(np.cumsum([0, *gaps])) == pytest.approx(usual, rel=0.05)


def test_joined_streams_do_not_halve_the_usual_time():
    first = np.arange(100) * 0.04
    assert usual_seconds(np.concatenate([first, first + 0.02])) == pytest.approx(0.04)
    assert usual_seconds(np.array([1000.0, 1001.0, 0.0, 1.0])) == pytest.approx(1)
    in_pyramids = (first.reshape(-1, 4) + np.array([0.12, 0, -0.08, -0.04])).ravel()
    assert usual_seconds(in_pyramids) == pytest.approx(0.04)


def test_frames_that_differ_little_keep_their_own_times():
    starts = np.cumsum([0, *np.random.default_rng(0).uniform(0.03, 0.05, 200)])
    frames = [TimedFrame(k, a, b, np.zeros(1)) for k, (a, b) in enumerate(pairwise(starts))]
    pace = Pace(0.04)
    shown = [each for frame in frames for each in pace.take(frame)] + list(pace.finish())
    assert [(s.index, s.start_seconds) for s in shown] == list(enumerate(starts[:-1]))


def test_a_strict_pace_shows_what_is_on_at_even_times():
    frames = [TimedFrame(k, k / 25, (k + 1) / 25, np.zeros(1)) for k in range(100)]
    pace = Pace(1 / 15, is_strict=True)
    shown = [each.index for frame in frames for each in pace.take(frame)]
    shown += [each.index for each in pace.finish()]
    assert shown == [int(k * 25 / 15 + 1e-9) for k in range(60)]
