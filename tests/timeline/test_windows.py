"""The frames of windows, identified by the numbers in their pixels."""

from itertools import chain

import numpy as np
import pytest
from clips import encode, numbered_frame, read_number
from film_engine import Counting, watched
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from vswin_cli.errors import VideoError
from vswin_cli.films.sequence import ArraySequence, FrameSequence, TimedFrame
from vswin_cli.timeline.making import Made
from vswin_cli.timeline.shots import CutDetector
from vswin_cli.timeline.sliding import Sliding
from vswin_cli.timeline.windows import Shot, Window, Windows
from vswin_cli.views.views import resize_and_crop
from vswin_cli.zoo.protocols import TORCHVISION, Sampling, ViewProtocol

OFFICIAL = ViewProtocol(Sampling.OFFICIAL, num_clips=1, num_crops=1, crop_size=64)
RATE = 25


def frames(numbers, times=None):
    for index, number in enumerate(numbers):
        start = index / RATE if times is None else times[index]
        end = (index + 1) / RATE if times is None else times[index + 1]
        yield TimedFrame(index, start, end, numbered_frame(number, 64, 64))


def slid(source, protocol=OFFICIAL, **options):
    windows = Windows(Sliding(protocol, **{"stride_seconds": 0.4, "window_seconds": 2} | options))
    found = []
    for frame in source:
        found += windows.take(frame)
    found += windows.finish()
    return found


def numbers(window):
    return [read_number(frame) for frame in window.clip.views[0].frames]


def test_the_models_clip_slides_and_the_last_window_ends_with_the_film():
    found = slid(frames(range(100)), finds_shots=False)
    shot = found.pop()
    assert isinstance(shot, Shot)
    assert (shot.start_frame, shot.end_frame, shot.end_seconds) == (0, 100, 4.0)
    starts = [window.frames[0].index for window in found]
    assert starts == [0, 10, 20, 30, 37]
    for window in found:
        start = window.frames[0].index
        assert numbers(window) == list(range(start, start + 64, 2))
        assert window.end_seconds == pytest.approx((start + 63) / RATE)


def test_a_short_film_starts_over_as_the_protocol_has_it():
    [window, _] = slid(frames(range(20)), finds_shots=False)
    assert numbers(window) == [2 * k % 20 for k in range(32)]
    [window, _] = slid(frames(range(1)), finds_shots=False)
    assert numbers(window) == [0] * 32


def test_no_window_crosses_a_cut_and_short_shots_are_looped():
    dark = [np.full((64, 64, 3), 20 + k % 3, np.uint8) for k in range(150)]
    pictures = [*dark[:90], *(d + 150 for d in dark[:20]), *(d + 60 for d in dark[:70])]
    source = (TimedFrame(k, k / RATE, (k + 1) / RATE, p) for k, p in enumerate(pictures))
    found = slid(source)
    shots = [each for each in found if isinstance(each, Shot)]
    assert [(s.start_frame, s.end_frame) for s in shots] == [(0, 90), (90, 110), (110, 180)]
    for window in (each for each in found if isinstance(each, Window)):
        first, last = window.frames[0].index, window.frames[-1].index
        assert any(s.start_frame <= first and last < s.end_frame for s in shots)
        if first == 90:
            assert window.places == tuple(2 * k % 20 for k in range(32))


def test_a_uniform_window_is_as_long_as_asked_for():
    protocol = ViewProtocol(Sampling.UNIFORM, num_clips=1, num_crops=1, crop_size=64)
    found = slid(frames(range(100)), protocol, window_seconds=1.6, finds_shots=False)
    windows = found[:-1]
    assert [window.frames[0].index for window in windows][:3] == [0, 10, 20]
    assert all(len(window.frames) == 40 for window in windows)
    assert windows[-1].frames[-1].index == 99
    assert numbers(windows[0])[0] == 0
    assert len(numbers(windows[0])) == 32


def test_strides_follow_the_clock_where_frames_are_uneven():
    times = np.cumsum([0, *([0.04] * 80), *([0.2] * 80)])
    found = slid(frames(range(160), times), finds_shots=False)
    starts = [window.frames[0].index for window in found[:-1]]
    assert starts[:9] == [0, 10, 20, 30, 40, 50, 60, 70, 80]
    assert starts[9:12] == [82, 84, 86]  # 0.4 s are two frames now


def test_torchvisions_frames_are_scaled_as_in_its_clips():
    picture = np.random.default_rng(0).integers(0, 256, (300, 555, 3), np.uint8)  # 473.6 columns
    film = [TimedFrame(k, k / RATE, (k + 1) / RATE, picture) for k in range(3)]
    [window, _] = slid(film, TORCHVISION.adapted(num_clips=1, num_crops=1), finds_shots=False)
    expected = resize_and_crop(picture, TORCHVISION).crop(0)
    assert (window.clip.views[0].frames[0] == expected).all()


def test_torchvisions_windows_are_of_frames_at_its_rate():
    protocol = ViewProtocol(Sampling.TORCHVISION, num_clips=1, num_crops=1, crop_size=56)
    sliding = Sliding(protocol, 0.4, 2, finds_shots=False)
    windows, pace = Windows(sliding), sliding.pace(1 / RATE)
    shown = chain(chain.from_iterable(map(pace.take, frames(range(100)))), pace.finish())
    found = list(chain.from_iterable(map(windows.take, shown)))
    sampled = [int(k * RATE / 15 + 1e-9) for k in range(60)]
    assert [window.frames[0].index for window in found] == sampled[0:28:6]
    for number, window in enumerate(found):
        assert [window.frames[k].index for k in window.places] == sampled[6 * number :][:32]
        assert [v.shape for v in window.clip.views] == [(32, 56, 56, 3)]
        assert window.inner(protocol) is None


def test_a_film_ends_with_its_last_frame_if_its_windows_do_not_have_it():
    protocol = ViewProtocol(Sampling.TORCHVISION, num_clips=1, num_crops=1, crop_size=56)
    film = ArraySequence(np.zeros((100, 64, 64, 3), np.uint8), RATE)
    *_, shot = Made(film, Sliding(protocol, 0.4, 2), lambda *_: None)
    assert (shot.end_frame, shot.end_seconds) == (100, 4)


def test_memory_holds_no_more_than_a_window():
    windows = Windows(Sliding(OFFICIAL, 0.4, 2.0, finds_shots=False))
    most = 0
    for frame in frames(range(400)):
        list(windows.take(frame))
        most = max(most, len(windows._frames))
    assert most <= 64 + 11


def test_an_inner_window_is_the_same_clip_in_half_the_time_about_the_same_middle():
    window = slid(frames(range(100)), finds_shots=False)[1]
    inner = window.inner(OFFICIAL)
    assert numbers(inner) == list(range(25, 57))
    assert abs(inner.middle_seconds - window.middle_seconds) < 0.05


def test_equal_windows_have_one_key_and_others_have_not():
    same = slid(frames([7] * 120), finds_shots=False)[:-1]
    assert len({window.clip.key for window in same}) == 1
    other = slid(frames(range(120)), finds_shots=False)[:-1]
    assert len({window.clip.key for window in other}) == len(other)


def test_a_change_of_size_is_a_cut():
    pictures = [numbered_frame(1, 64, 64)] * 20 + [numbered_frame(1, 64, 96)] * 20
    source = (TimedFrame(k, k / RATE, (k + 1) / RATE, p) for k, p in enumerate(pictures))
    shots = [each for each in slid(source) if isinstance(each, Shot)]
    assert [(s.start_frame, s.end_frame) for s in shots] == [(0, 20), (20, 40)]


def test_frames_of_a_file_come_with_the_times_at_which_they_are_shown(tmp_path):
    times = [0, 40, 100, 130, 400, 420]  # milliseconds
    path = encode(tmp_path / "v.mkv", map(numbered_frame, range(6)), timestamps=times)
    sequence = FrameSequence(path)
    found = [(read_number(f.pixels), round(f.start_seconds * 1000)) for f in sequence]
    assert found == list(enumerate(times))
    assert sequence.warnings == ()


def test_a_damaged_file_is_read_from_its_start_again_as_players_do(tmp_path):
    path = encode(tmp_path / "v.mp4", map(numbered_frame, range(60)), options={"g": "10"})
    content = bytearray(path.read_bytes())
    middle = content.find(b"mdat") + len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    sequence = FrameSequence(path)
    indices = [frame.index for frame in sequence]
    assert indices.count(0) == 2
    assert indices[-1] >= 50
    assert sequence.warnings[0].startswith("the stream is damaged")


def test_frames_that_cannot_be_scaled_are_told():
    frames = np.zeros((9, 2000, 4, 3), np.uint8)
    with pytest.raises(VideoError, match="cannot read v: its frames of 4×2000 are too elongated"):
        watched(ArraySequence(frames, 25), Counting())


@pytest.mark.parametrize("num_bright", [1, 4, 7, 13])
def test_every_shot_has_its_segment_however_short_it_is(num_bright):
    counts = {"dark": 101, "bright": num_bright, "dark again": 101}
    if num_bright < 4:  # no cut is found around so few
        counts = {"bright": num_bright}
    frames = np.concatenate(
        [np.full((n, 64, 64, 3), 5 if "dark" in k else 250, np.uint8) for k, n in counts.items()]
    )
    timeline = watched(ArraySequence(frames, 60), Counting())
    assert [s.label for s in timeline.segments] == [k.split()[0] for k in counts]
    assert [(s.start_frame, s.end_frame) for s in timeline.segments] == [
        (shot.start_frame, shot.end_frame) for shot in timeline.shots
    ]
    bright = timeline.probabilities[:, 0] > 0.5
    assert bright.sum() == (1 if num_bright in (1, 13) else 0)


def test_cuts_are_those_of_the_original_detector():
    rng = np.random.default_rng(0)
    original = AdaptiveDetector(4.5, 3, 2, min_content_val=9.0, luma_only=True)
    detector, found, expected = CutDetector(), [], []
    for number in range(200):
        if number % 37 == 0:
            scene = rng.integers(0, 256, (18, 32))
        grey = np.clip(scene + rng.integers(-4, 5, scene.shape), 0, 255).astype(np.uint8)
        found += detector.cuts(number, grey)
        codes = original.process_frame(FrameTimecode(number, 25.0), np.dstack([grey] * 3))
        expected += [code.frame_num for code in codes]
    assert found == expected == [37, 74, 111, 148, 185]
