import cv2
import numpy as np
import pytest
from clips import encode, numbered_frame, numbered_frames, read_number

from vswin_cli.views.sampling import clip_indices
from vswin_cli.views.views import crop, crop_offsets, read_views, resize
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING, Sampling, ViewProtocol

ONE_CROP = KINETICS.adapted(num_crops=1)
SMALL = ViewProtocol(Sampling.OFFICIAL, num_clips=4, clip_len=4, frame_interval=2, crop_size=32)


def views_by_definition(frames, protocol, clips):
    """Make every view of a protocol, one after the other, without savings."""
    for clip in clips:
        resized = [resize(frames[index], protocol.crop_size) for index in clip]
        for y, x in crop_offsets(*resized[0].shape[:2], protocol):
            size = protocol.crop_size
            yield np.stack([frame[y : y + size, x : x + size] for frame in resized])


def decoded(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while capture.grab():
        frames.append(capture.retrieve()[1][..., ::-1])
    return frames


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (240, 320, (224, 299)),  # 298.67 rounds up
        (320, 240, (299, 224)),
        (256, 340, (224, 298)),  # 297.5 rounds up
        (100, 100, (224, 224)),
        (224, 398, (224, 398)),
    ],
)
def test_short_side_becomes_the_crop_size(height, width, expected):
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    assert resize(frame, 224).shape == (*expected, 3)


def test_resizing_is_opencv_bilinear_on_bytes():
    frame = np.random.default_rng(0).integers(0, 256, (120, 200, 3), np.uint8)
    expected = cv2.resize(frame, (373, 224), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize(frame, 224), expected)


@pytest.mark.parametrize(
    ("height", "width", "protocol", "expected"),
    [
        (224, 299, KINETICS, ((0, 0), (0, 74), (0, 37))),
        (299, 224, KINETICS, ((0, 0), (74, 0), (37, 0))),
        (224, 224, KINETICS, ((0, 0), (0, 0), (0, 0))),
        (224, 225, KINETICS, ((0, 0), (0, 0), (0, 0))),
        (224, 299, ONE_CROP, ((0, 37),)),
        (299, 224, ONE_CROP, ((37, 0),)),
        (224, 224, ONE_CROP, ((0, 0),)),
    ],
)
def test_crops_lie_along_the_long_side(height, width, protocol, expected):
    assert crop_offsets(height, width, protocol) == expected


def test_equal_crops_are_kept_once():
    frame = np.random.default_rng(0).integers(0, 256, (224, 225, 3), np.uint8)
    cropped = crop(frame, KINETICS)
    assert cropped.pixels.shape == (224, 224, 3)
    np.testing.assert_array_equal(cropped.crop(2), frame[:, :224])


@pytest.mark.parametrize("width", [300, 900])
def test_no_more_is_kept_of_a_frame_than_its_crops_need(width):
    frame = np.random.default_rng(0).integers(0, 256, (224, width, 3), np.uint8)
    cropped = crop(frame, KINETICS)
    assert cropped.pixels.size <= min(frame.size, 3 * 224 * 224 * 3)
    step = (width - 224) // 2
    for number, x in enumerate((0, 2 * step, step)):
        np.testing.assert_array_equal(cropped.crop(number), frame[:, x : x + 224])


@pytest.mark.parametrize(
    ("num_frames", "height", "width", "distinct"),
    [
        (40, 48, 80, 12),  # landscape
        (40, 80, 48, 12),  # portrait
        (40, 48, 48, 4),  # square: three equal crops
        (7, 48, 80, 3),  # shorter than a clip's span: four equal clips
        (1, 48, 48, 1),
    ],
)
def test_distinct_views_with_their_weights_are_the_full_computation(
    tmp_path, num_frames, height, width, distinct
):
    path = encode(tmp_path / "clip.mp4", numbered_frames(num_frames, height, width))
    views = read_views(path, (SMALL,), "auto")
    found = list(views)
    assert views.num_frames == num_frames
    assert views.num_distinct_views == len(found) == distinct
    every = list(views_by_definition(decoded(path), SMALL, views.clips))
    assert sum(view.weight for view in found) == len(every) == SMALL.num_views
    for view in found:
        assert view.frames.dtype == np.uint8
        assert sum(np.array_equal(view.frames, other) for other in every) == view.weight


def test_views_hold_the_frames_that_were_sampled(tmp_path):
    path = encode(tmp_path / "square.mp4", numbered_frames(200, 64, 64))
    views = read_views(path, (KINETICS,), "auto")
    numbers = [[read_number(frame) for frame in view.frames] for view in views]
    assert numbers == views.clips.tolist()


def test_uniform_sampling_spans_the_video(tmp_path):
    path = encode(tmp_path / "square.mp4", numbered_frames(100, 64, 64))
    views = read_views(path, (SOMETHING_SOMETHING,), "auto")
    [view] = views
    assert view.weight == 3
    assert [read_number(frame) for frame in view.frames] == views.clips[0].tolist()
    assert views.clips[0, -1] > 96


def test_crops_that_differ_in_one_frame_only_stay_apart(tmp_path):
    # A video whose size changes midway: square frames first, then wide ones.
    square = crop(numbered_frame(1, 32, 32), SMALL)
    wide = crop(numbered_frame(2, 32, 64), SMALL)
    from vswin_cli.views.views import Views

    views = Views(2, np.array([[0, 1]]), {0: square, 1: wide})
    assert views.num_distinct_views == 3
    assert [view.weight for view in views] == [1, 1, 1]


@pytest.mark.parametrize("num_frames", [5, 40])
def test_views_of_several_protocols_are_read_at_once_and_shared(tmp_path, num_frames):
    path = encode(tmp_path / "clip.mp4", numbered_frames(num_frames, 48, 64))
    protocols = [SMALL, SMALL.adapted(Sampling.MMACTION2), SMALL.adapted(Sampling.UNIFORM)]
    views = read_views(path, protocols, "auto")
    distinct = [view.frames for view in views]
    frames = decoded(path)
    start = 0
    for protocol in protocols:
        order = views.order[start : start + protocol.num_views]
        start += protocol.num_views
        clips = clip_indices(num_frames, protocol)
        expected = list(views_by_definition(frames, protocol, clips))
        assert len(order) == len(expected) == protocol.num_views
        for number, view in zip(order, expected, strict=True):
            np.testing.assert_array_equal(distinct[number], view)
    assert start == len(views.order)
    assert len(distinct) == views.num_distinct_views == len(set(views.order.tolist()))
    if num_frames == 5:  # official and mmaction2 place all their clips at the start
        assert views.num_distinct_views == 2 * 3
